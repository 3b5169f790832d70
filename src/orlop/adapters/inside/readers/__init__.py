"""Readers of files that list packages, a module for each kind. All are pure functions of a path and bytes."""

from orlop.adapters.inside.readers.apk import APK
from orlop.adapters.inside.readers.debian_copyright import DEBIAN_COPYRIGHT
from orlop.adapters.inside.readers.dpkg import DPKG
from orlop.adapters.inside.readers.languages import LANGUAGES
from orlop.adapters.inside.readers.os_release import OS_RELEASE
from orlop.adapters.inside.readers.reader import Reader
from orlop.adapters.inside.readers.rpm import RPM

#: Every reader, each for a kind of file. Whoever changes what one of them finds raises ports.inside.READER_VERSION.
READERS: tuple[Reader, ...] = (
    OS_RELEASE,
    DPKG,
    DEBIAN_COPYRIGHT,
    APK,
    RPM,
    *LANGUAGES,
)
