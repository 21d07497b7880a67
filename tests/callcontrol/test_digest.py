"""H(A1) as RFC 7616 and RFC 2617 give it in their examples."""

import pytest

from callcontrol.digest import Algorithm, ha1


@pytest.mark.parametrize(
    ("user", "realm", "password", "algorithm", "expected"),
    [
        ("Mufasa", "testrealm@host.com", "Circle Of Life", "md5", "939e7578ed9e3c518a452acee763bce9"),
        (
            "Mufasa",
            "http-auth@example.org",
            "Circle of Life",
            "sha256",
            "7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232",
        ),
    ],
)
def test_ha1_of_the_rfcs(user: str, realm: str, password: str, algorithm: Algorithm, expected: str) -> None:
    assert ha1(user, realm, password, algorithm) == expected


def test_a_password_may_hold_a_colon_and_letters_of_any_language() -> None:
    assert ha1("1140", "region.example", "å:ö", "md5") != ha1("1140", "region.example", "å:o", "md5")


@pytest.mark.parametrize(("user", "realm"), [("a:b", "c"), ("a", "b:c")])
def test_a_colon_elsewhere_is_refused(user: str, realm: str) -> None:
    with pytest.raises(ValueError, match="colon"):
        ha1(user, realm, "x", "md5")
