"""Answers to challenges: the examples of the RFCs, and what is chosen of several."""

from __future__ import annotations

from hashlib import md5, sha256

import pytest

from callcontrol.digest import Algorithm, ha1
from callcontrol.sip.digest import Challenge, Credentials, authorize, challenges, choose
from callcontrol.sip.errors import LocalError, RemoteError
from callcontrol.sip.message import Response

RFC_2617 = (
    'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
    'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
)
RFC_2069 = (
    'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
    'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
)
RFC_7616 = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=%s, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
RFC_7616_CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


@pytest.mark.parametrize(
    ("challenge", "password", "cnonce", "expected"),
    [
        # RFC 2069 §2.4, by its erratum
        (RFC_2069, "CircleOfLife", "", "1949323746fe6a43ef61f9606e7febea"),
        # RFC 2617 §3.5
        (RFC_2617, "Circle Of Life", "0a4f113b", "6629fae49393a05397450978507c4ef1"),
        # RFC 7616 §3.9.1
        (RFC_7616 % "MD5", "Circle of Life", RFC_7616_CNONCE, "8ca523f5e9506fed4657c9700eebdbec"),
        (
            RFC_7616 % "SHA-256",
            "Circle of Life",
            RFC_7616_CNONCE,
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ),
    ],
)
def test_the_examples_of_the_rfcs(challenge: str, password: str, cnonce: str, expected: str) -> None:
    asked = Challenge.parse(challenge)
    algorithm = asked.hash
    assert algorithm is not None
    answer = authorize(
        asked,
        method="GET",
        uri="/dir/index.html",
        user="Mufasa",
        ha1s={algorithm: ha1("Mufasa", asked.realm, password, algorithm)},
        cnonce=cnonce,
        nc=1,
    )
    given = Challenge.parse(answer)  # an answer is written by the grammar of a challenge
    assert f'response="{expected}"' in answer
    assert (given.realm, given.nonce, given.opaque) == (asked.realm, asked.nonce, asked.opaque)
    assert ("qop=auth, nc=00000001, cnonce=" in answer) == bool(asked.qops)
    assert ("algorithm=" in answer) == ("algorithm=" in challenge)


def answered(challenge: str, **changes: str | int | bytes) -> str:
    given: dict[str, str | int | bytes] = {"method": "REGISTER", "uri": "sip:r", "user": "1", "cnonce": "c", "nc": 1}
    given |= changes
    return authorize(Challenge.parse(challenge), ha1s={"md5": "a1", "sha256": "a2"}, **given)  # type: ignore[arg-type]


def hexed(text: str) -> str:
    return md5(text.encode()).hexdigest()


def test_the_whole_message_is_hashed_where_only_auth_int_is_offered() -> None:
    ha2 = hexed("REGISTER:sip:r:" + hexed("body"))
    expected = hexed(f"a1:n:00000002:c:auth-int:{ha2}")
    answer = answered('Digest realm="r", nonce="n", qop="x,auth-int"', nc=2, body=b"body")
    assert f'response="{expected}", qop=auth-int, nc=00000002' in answer


@pytest.mark.parametrize("algorithm", ["SHA-256-sess", "sha-256-SESS"])
def test_a_session_key_is_made_of_the_hash(algorithm: str) -> None:
    """RFC 7616 §3.4.2."""

    def hexed(text: str) -> str:
        return sha256(text.encode()).hexdigest()

    expected = hexed(f"{hexed('a2:n:c')}:n:00000001:c:auth:{hexed('REGISTER:sip:r')}")
    answer = answered(f'Digest realm="r", nonce="n", qop="auth", algorithm={algorithm}')
    assert f'response="{expected}"' in answer
    assert f"algorithm={algorithm}" in answer


def test_what_is_escaped_comes_back_as_it_was() -> None:
    answer = answered('Digest realm="a \\"b\\"", nonce="n\\\\m", opaque=""')
    assert 'realm="a \\"b\\"", nonce="n\\\\m"' in answer
    assert 'opaque=""' in answer
    assert hexed(f"a1:n\\\\m:{hexed('REGISTER:sip:r')}") in answer


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Digest",
        "Basic realm=x",
        'Digest realm="x"',
        'Digest nonce="x"',
        'Digest realm="x", nonce="y", nonce="z"',
        'Digest realm="x, nonce="y"',
        'Digest realm="x" nonce="y"',
        'Digest realm="x", nonce="y",',
        'Digest realm="x", nonce="y", Digest realm="x", nonce="z"',
    ],
)
def test_challenges_that_are_none(header: str) -> None:
    with pytest.raises(RemoteError, match="WWW-Authenticate"):
        Challenge.parse(header)


@pytest.mark.parametrize("changes", [{"user": 'a"b'}, {"user": "a\\"}, {"uri": 'sip:"'}, {"cnonce": "a\r\nb"}])
def test_nothing_gets_out_of_its_quotes(changes: dict[str, str]) -> None:
    with pytest.raises(LocalError, match="quotes"):
        answered('Digest realm="r", nonce="n"', **changes)


@pytest.mark.parametrize(
    "challenge",
    [
        'Digest realm="r", nonce="n", algorithm=SHA-512-256',
        'Digest realm="r", nonce="n", qop="other"',
        'Digest realm="r", nonce="n", algorithm=MD5-sess',  # without qop there is no cnonce to make a key of
    ],
)
def test_what_cannot_be_answered(challenge: str) -> None:
    with pytest.raises(LocalError, match="no answer"):
        answered(challenge)
    assert choose((Challenge.parse(challenge),), Credentials("1", "r", {"md5": "x", "sha256": "y"})) is None


MD5, SHA, OTHER, ODD = (
    'Digest realm="r", nonce="md5", qop="auth"',
    'Digest realm="r", nonce="sha", algorithm=SHA-256, qop="auth"',
    'Digest realm="s", nonce="other", algorithm=SHA-256, qop="auth"',
    'Digest realm="r", nonce="odd", algorithm=SHA-512-256, qop="auth"',
)


@pytest.mark.parametrize(
    ("offered", "kept", "chosen"),
    [
        ([MD5], {"md5"}, "md5"),
        ([MD5, SHA], {"md5", "sha256"}, "sha"),
        ([SHA, MD5], {"md5", "sha256"}, "sha"),
        ([SHA, MD5], {"md5"}, "md5"),
        ([ODD, OTHER, "Basic x", "NoOneKnowsThisScheme opaque-data=here", MD5], {"md5", "sha256"}, "md5"),
        ([MD5, MD5.replace('"md5"', '"second"')], {"md5"}, "md5"),
        ([SHA], {"md5"}, None),
        ([OTHER], {"md5", "sha256"}, None),
        ([], {"md5"}, None),
    ],
)
def test_the_strongest_that_we_keep_a_hash_for(offered: list[str], kept: set[Algorithm], chosen: str | None) -> None:
    """RFC 8760 §2.4: several challenges in a response, each with one algorithm."""
    response = Response(tuple(("WWW-Authenticate", value) for value in offered), b"", 401, "Unauthorized")
    best = choose(challenges(response), Credentials("1", "r", dict.fromkeys(kept, "x")))
    assert (best and best.nonce) == chosen


def test_a_proxys_challenge_is_known_as_such() -> None:
    response = Response((("Proxy-Authenticate", MD5), ("WWW-Authenticate", SHA)), b"", 407, "")
    assert {challenge.nonce: challenge.for_proxy for challenge in challenges(response)} == {"md5": True, "sha": False}


def test_hashes_are_not_shown() -> None:
    assert "secret" not in repr(Credentials("1", "r", {"md5": "secret"}))
