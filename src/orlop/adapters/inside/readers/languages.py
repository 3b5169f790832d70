"""The readers of packages of languages. One whose name ends in `-lock` says what was to be installed, not what is."""

from orlop.adapters.inside.readers.conda import CONDA
from orlop.adapters.inside.readers.dotnet import DOTNET, DOTNET_LOCK
from orlop.adapters.inside.readers.golang import GOLANG
from orlop.adapters.inside.readers.java import JAVA
from orlop.adapters.inside.readers.node import NODE
from orlop.adapters.inside.readers.node_locks import NODE_LOCK
from orlop.adapters.inside.readers.php import PHP, PHP_LOCK
from orlop.adapters.inside.readers.python import PYTHON
from orlop.adapters.inside.readers.reader import Reader
from orlop.adapters.inside.readers.ruby import RUBY, RUBY_LOCK
from orlop.adapters.inside.readers.rust import RUST

LANGUAGES: tuple[Reader, ...] = (
    PYTHON,
    NODE,
    NODE_LOCK,
    GOLANG,
    RUST,
    JAVA,
    RUBY,
    RUBY_LOCK,
    PHP,
    PHP_LOCK,
    DOTNET,
    DOTNET_LOCK,
    CONDA,
)
