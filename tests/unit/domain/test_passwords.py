"""What a password must be, and what is refused before anybody is asked."""

import pytest

from orlop.domain.identity.passwords import MAX_BYTES, PasswordRefused, prepared, refuse_unusable, refuse_weak


@pytest.mark.parametrize(
    "password",
    [
        "a rather long phrase",
        "Tr0ub4dor&3xyz",
        "пароль из слов",
        "q8Zk2mVx7wLp",
        "é" * 3 + "quatorze mots",
        "x y z w v u t s",
    ],
)
def test_a_password_that_nobody_guesses_is_fine(password: str) -> None:
    refuse_weak(password, name="alice", least=12)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("", "empty"),
        ("short", "at least 12"),
        ("eleven char", "at least 12"),
        ("with a \0 in it", "NUL"),
        ("x" * (MAX_BYTES + 1), "at most 1024 bytes"),
        ("é" * 600, "at most 1024 bytes"),
        ("aaaaaaaaaaaa", "pattern"),
        ("abababababab", "pattern"),
        ("123456789012", "pattern"),
        ("012345678901", "pattern"),
        ("098765432109", "pattern"),
        ("password1234", "commonest"),
        ("Password2024!", "commonest"),
        ("2024-PASSWORD", "commonest"),
        ("passwordpassword", "commonest"),
        ("administrator", "commonest"),
        ("CorrectHorseBatteryStaple", "commonest"),
        ("qwertyuiop123", "commonest"),
        ("1q2w3e4r5t6y", "commonest"),
        ("alice.smith2024", "name of the account"),
        ("Alice.Smith!!", "name of the account"),
        ("htims.ecila", "at least 12"),
    ],
)
def test_a_password_that_is_guessed_first_is_refused(password: str, reason: str) -> None:
    with pytest.raises(PasswordRefused, match=reason):
        refuse_weak(password, name="alice.smith", least=12)


@pytest.mark.parametrize("password", ["", "\0", "secret\0", "x" * 1025, "\ud800" * 1025])
def test_what_is_no_password_is_refused_before_it_is_compared(password: str) -> None:
    with pytest.raises(PasswordRefused):
        refuse_unusable(password)


def test_a_refusal_does_not_repeat_the_password() -> None:
    with pytest.raises(PasswordRefused) as refused:
        refuse_weak("swordfish77", name="alice", least=12)
    assert "swordfish" not in refused.value.message


def test_accents_may_be_composed_either_way() -> None:
    assert prepared("cafe\u0301") == prepared("caf\u00e9")
