"""What a password must be. How it is kept and compared is not here."""

import unicodedata

from orlop.domain.errors import RequestInvalid

#: Bytes of a password at most: more is no more secret, and would only be work for us.
MAX_BYTES = 1024

#: What people choose most often, without digits and marks at either end; longer ones are made of them.
_COMMON = frozenset(
    """
    abc abcd abcdef abcdefgh abcdefghijkl access admin administrator adminadmin alphabet apple arsenal asdf asdfgh
    asdfghjkl asdfghjklqwertyuiop azerty azertyuiop baseball batman biteme blink bonjour changeme changemenow
    changeit charlie chelsea chocolate christmas computer container cookie correcthorsebatterystaple cowboys daniel
    default demo docker dockerdocker dragon eagles facebook family football freedom ginger google guest hannah
    harbor harley hello helloworld hottie hunter iloveyou iloveyouforever internet jennifer jessica jordan justin
    kubernetes letmein letmeinnow liverpool login loveme lovely loveyou maintenance manager master matrix matthew
    merlin metallica michael michelle minecraft monkey motdepasse mustang mynoob nevermind nicole nothing orlop
    orloporlop pass passord password passwordpassword passwort passw0rd p@ssword p@ssw0rd pa$$word pepper pokemon
    princess public qazwsx qazwsxedc qazwsxedcrfv qwer qwert qwerty qwertyqwerty qwertyuiop qwertyuiopasdf
    qwertyuiopasdfghjkl qwertz registry registryregistry root rootroot samsung secret secretsecret shadow soccer
    spring starwars summer sunshine superman supersecret superuser sysadmin system test tester testing testtest
    thisisapassword thisismypassword thomas tigger toor trustno trustnoone unknown user username vagrant welcome
    welcomewelcome whatever winter yankees zaqwsx zxcvbn zxcvbnm zaq1zaq 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx
    1qaz2wsx3edc q1w2e3r4 q1w2e3r4t5y6
    """.split()  # noqa: SIM905 - a list of words reads better as one
)

#: What is often put before and behind a common password, as if that made it another.
_DECORATION = "0123456789!\"#$%&'()*+,-./:;<=>?@[]^_{|}~ "

#: A password with fewer different characters is a pattern.
_DIFFERENT = 5


#: What whoever changes a password into itself is told.
UNCHANGED = "the new password is the old one; take another"


class PasswordRefused(RequestInvalid):
    """The password breaks a rule, which the message names."""


def refuse_unusable(password: str) -> None:
    """Raises PasswordRefused for what is nobody's password, before anybody is asked whether it is right.

    A directory may take a simple bind with an empty password for an anonymous one, and let anybody in (RFC 4513,
    section 5.1.2); some end a password at a NUL.
    """
    if not password:
        raise PasswordRefused("the password is empty")
    if "\0" in password:
        raise PasswordRefused("the password has a NUL character in it")
    if len(password.encode("utf-8", "replace")) > MAX_BYTES:
        raise PasswordRefused(f"a password has at most {MAX_BYTES} bytes")


def prepared(password: str) -> str:
    """The form that is hashed: the same however a keyboard composes its accents (RFC 8265, section 4.2.1)."""
    return unicodedata.normalize("NFC", password)


def refuse_weak(password: str, *, name: str, least: int) -> None:
    """Raises PasswordRefused unless a new password of the account `name` has `least` characters and cannot be guessed
    at the first try (NIST SP 800-63B, section 5.1.1.2: length and a list of common ones, no rules of composition)."""
    refuse_unusable(password)
    if len(prepared(password)) < least:
        raise PasswordRefused(f"a password has at least {least} characters; take a longer one")
    folded = password.casefold()
    if _undecorated(folded) == _undecorated(name.casefold()) or folded in {name * 2, name[::-1]}:
        raise PasswordRefused("the password is the name of the account; take another")
    if len(set(folded)) < _DIFFERENT or folded in _sequence(len(folded)):
        raise PasswordRefused(
            f"the password has a simple pattern; take one of {_DIFFERENT} different characters or more"
        )
    if folded in _COMMON or _undecorated(folded) in _COMMON:
        raise PasswordRefused("the password is one of the commonest; take another")


def _undecorated(text: str) -> str:
    return text.strip(_DECORATION) or text


def _sequence(length: int) -> frozenset[str]:
    """The digits up and down, as often as they fit."""
    rows = ("1234567890", "0123456789", "0987654321", "9876543210")
    return frozenset((row * (length // 10 + 1))[:length] for row in rows)
