"""Which of the sign-ins on a machine is taken: that of `orlop login`, then docker's, and by name if one is wanted."""

import pytest

from orlop.adapters.management.saved import CredentialFile
from orlop.adapters.upstream.client import ClientOptions
from orlop.adapters.upstream.credentials import CredentialFiles, Credentials
from orlop.adapters.upstream.sign_ins import SignIns
from orlop.domain.errors import Unauthorized
from orlop.ports.management import SavedSignIn
from tests.unit.upstream.test_credentials import Path, auth, write

HOST = "localhost:5000"


def sign_ins(home: Path, wanted: str = "", options: ClientOptions | None = None) -> SignIns:
    chosen = options or ClientOptions()
    saved, docker = CredentialFile({}, home), CredentialFiles({}, home)
    return SignIns(saved, docker, lambda name: str(chosen.base_url(name).origin()), ambient="oidc", wanted=wanted)


def orlop_login(home: Path, name: str, url: str = f"http://{HOST}") -> None:
    CredentialFile({}, home).save(SavedSignIn(url, name, "token"))


def docker_login(home: Path, name: str) -> None:
    write(home / ".docker" / "config.json", {"auths": {HOST: auth(name, "password")}})


async def test_what_orlop_login_keeps_comes_first(tmp_path: Path) -> None:
    docker_login(tmp_path, "docker")
    docker = Credentials("docker", "password", kept_by=str(tmp_path / ".docker" / "config.json"))
    assert await sign_ins(tmp_path).find(HOST) == docker
    orlop_login(tmp_path, "ann")
    assert await sign_ins(tmp_path).find(HOST) == Credentials("ann", "token", kept_by="orlop login")
    assert await sign_ins(tmp_path, "docker").find(HOST) == docker
    assert await sign_ins(tmp_path).find("localhost:5001") is None


async def test_a_secret_kept_for_https_is_not_sent_over_http(tmp_path: Path) -> None:
    orlop_login(tmp_path, "ann", f"https://{HOST}")
    assert await sign_ins(tmp_path).find(HOST) is None
    assert await sign_ins(tmp_path, options=ClientOptions(ca="file")).find(HOST) is not None
    assert await sign_ins(tmp_path, options=ClientOptions(plain_http=True)).find(HOST) is None


async def test_the_token_of_a_place_is_left_to_docker_which_has_a_fresher_one(tmp_path: Path) -> None:
    docker_login(tmp_path, "docker")
    orlop_login(tmp_path, "oidc")
    found = await sign_ins(tmp_path).find(HOST)
    assert found is not None
    assert found.username == "docker"


async def test_somebody_else_does_not_do_where_a_name_is_wanted(tmp_path: Path) -> None:
    assert await sign_ins(tmp_path, "bob").find(HOST) is None
    docker_login(tmp_path, "docker")
    orlop_login(tmp_path, "ann")
    with pytest.raises(Unauthorized) as caught:
        await sign_ins(tmp_path, "bob").find(HOST)
    kept = tmp_path / ".docker" / "config.json"
    assert caught.value.message == (
        f"nobody is signed in at {HOST} as bob; signed in: ann (by orlop login), docker (by {kept})"
    )
