"""URLs lead where they would lead a browser, in every spelling that https://url.spec.whatwg.org knows."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tidegate.delivery.destination import destination, origin_of

PIECES = [
    *("http://", "https://", "//", "/", "\\", ":", "@", ".", "..", "?", "#", "[", "]", "[::1]", "[::ffff:1.2.3.4]"),
    *("a", "b.example", "A", "127.1", "0x7f", "017", "1", "443", "65536", "u:p@", "%41", "%2e", "%zz", "%", "xn--zca"),
    *("\t", "\n", " ", "\0", "\x7f", "ä", "ß", "\uff41", "。", "א", "\u200d", "\u00ad", "٣", "💩", "_", "~", "|", "^"),
]


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        # The scheme and what stands between it and the host.
        ("HTTP://a/", "http://a:80"),
        ("hTtPs://a", "https://a:443"),
        ("http:a", "http://a:80"),
        ("http:/a", "http://a:80"),
        ("http:\\\\a\\b", "http://a:80"),
        ("https:////a/b", "https://a:443"),
        (" http://a ", "http://a:80"),
        ("ht\ttp:\n//a\rb/", "http://ab:80"),
        ("\0http://a\x1f", "http://a:80"),
        # Ports.
        ("http://a:", "http://a:80"),
        ("http://a:/", "http://a:80"),
        ("http://a:0080/", "http://a:80"),
        ("http://a:443/", "http://a:443"),
        ("https://a:443/", "https://a:443"),
        ("http://a:65535/", "http://a:65535"),
        ("http://a:8\t0/", "http://a:80"),
        ("http://a:0/", "http://a:0"),
        # The user, who may look like a host.
        ("http://u@a/", "http://a:80"),
        ("http://u:p:q@a:1/", "http://a:1"),
        ("http://a@b@c/", "http://c:80"),
        ("http://b.example\\@a/", "http://b.example:80"),
        ("http://b.example#@a/", "http://b.example:80"),
        ("http://b.example?@a/", "http://b.example:80"),
        ("http://@a/", "http://a:80"),
        # Addresses.
        ("http://127.1/", "http://127.0.0.1:80"),
        ("http://0/", "http://0.0.0.0:80"),
        ("http://2130706433/", "http://127.0.0.1:80"),
        ("http://017700000001/", "http://127.0.0.1:80"),
        ("http://0x7F.1/", "http://127.0.0.1:80"),
        ("http://0x.0x.0/", "http://0.0.0.0:80"),
        ("http://127.0.0.1./", "http://127.0.0.1:80"),
        ("http://%31%32%37.1/", "http://127.0.0.1:80"),
        ("http://\uff11\uff12\uff17.1/", "http://127.0.0.1:80"),
        ("http://127。0。0。1/", "http://127.0.0.1:80"),
        ("http://[::1]:81/", "http://[::1]:81"),
        ("http://[::ABCD]/", "http://[::abcd]:80"),
        ("http://[::1.2.3.4]/", "http://[::102:304]:80"),
        ("http://[1:0:0:1:0:0:0:1]/", "http://[1:0:0:1::1]:80"),
        # Names.
        ("http://A.Example/", "http://a.example:80"),
        ("http://a.example./", "http://a.example.:80"),
        ("http://a..b/", "http://a..b:80"),
        ("http://a_b~c!d/", "http://a_b~c!d:80"),
        ("http://a%41%2e/", "http://aa.:80"),
        ("http://bücher.example/", "http://xn--bcher-kva.example:80"),
        ("http://faß.de/", "http://xn--fa-hia.de:80"),
        ("http://\uff41｡b/", "http://a.b:80"),
        ("http://a\u00adb/", "http://ab:80"),
        ("http://💩.la/", "http://xn--ls8h.la:80"),
        ("http://XN--LS8H.la/", "http://xn--ls8h.la:80"),
    ],
)
def test_a_url_leads_to_the_origin_that_browsers_call(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "a",
            "/a",
            "//a",
            "http",
            "http:",
            "http://",
            "http:///",
            "http://?q",
            "http://#f",
            "mailto:x",
            "ftp://a/",
        ),
        *("http://@", "http://u@/", "http://:80", "http://a:65536", "http://a:1x", "http://a:-1", "http://a:b:c"),
        *("http://256.256.256.256/", "http://4294967296/", "http://1.2.3.4.5/", "http://0.0.0.08/", "http://a.1/"),
        *("http://[::1", "http://[]/", "http://[:]/", "http://::1/", "http://[1::2::3]/", "http://[::1.2.3.04]/"),
        *("http://[::1%25eth0]/", "http://[v1.a]/", "http://[::1]a/"),
        *(
            "http://a b/",
            "http://a\0b/",
            "http://a\x7f/",
            "http://a%00b/",
            "http://a%2Fb/",
            "http://a<b/",
            "http://a^b/",
        ),
        *("http://a|b/", "http://a%zz/", "http://a[b/", "http://%FF/", "http://\ufffe/", "http://\ud800/"),
        *("http://\u00ad/", "http://\u0301a/", "http://xn--ä/", "http://\u200d.example/", "http://1א/"),
    ],
)
def test_what_browsers_could_not_call_leads_nowhere(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the parser's own
        destination(url)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://a", "/"),
        ("http://a?q", "/?q"),
        ("http://a/../b/./c", "/../b/./c"),
        ("http://a/%2e%2e//b;c|d^e'f[]{}", "/%2e%2e//b;c|d^e'f[]{}"),
        ("http://a/%zz?%zz", "/%zz?%zz"),
        ("http://a/b?c?d=\"'`{}|^#e", "/b?c?d=\"'`{}|^"),
        ("http://a/b#c\nd", "/b"),
        ("http://a/b c?d e", "/b%20c?d%20e"),
        ("http://a/ä\t", "/%C3%A4"),
        ("http:\\\\a\\b\\..\\c", "/c"),
    ],
)
def test_path_and_query_are_sent_as_written_or_else_encoded(url: str, target: str) -> None:
    assert destination(url).opening == f" {target} HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://a:80/", "a"),
        ("http://a:443/", "a:443"),
        ("https://a:443/", "a"),
        ("http://[::1]:81/", "[::1]:81"),
        ("http://u:p@127.1/", "127.0.0.1"),
    ],
)
def test_the_host_line_names_the_port_where_it_is_not_the_schemes(url: str, host: str) -> None:
    assert destination(url).opening.endswith(f"\r\nHost: {host}\r\n")


@given(st.sampled_from(["http://", "https://", ""]), st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
@example("http://", "127.1")
@example("https://", "[::ffff:1.2.3.4]:1")
def test_whatever_is_read_is_one_request_line_to_a_name_or_an_address(scheme: str, rest: str) -> None:
    try:
        found = destination(scheme + rest)
    except ValueError:
        return
    # Egress rules judge an address in the URL at once, a name by its addresses: one must not pass as the other.
    assert found.origin.is_name == (not is_address(found.origin.host))
    assert 0 <= found.origin.port <= 65535
    assert found.origin.tls == found.origin.text.startswith("https://")
    line, host, *nothing = found.opening.split("\r\n")
    assert nothing == [""]
    assert line.count(" ") == 2
    assert all("!" <= char <= "~" for char in line.replace(" ", "") + host.removeprefix("Host: "))


@given(st.sampled_from(["http://", "https://"]), st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join))
def test_where_a_url_leads_does_not_hang_on_its_path(scheme: str, rest: str) -> None:
    cut = min((rest.index(end) for end in "/\\?#" if end in rest), default=len(rest))
    server = rest[:cut].strip("".join(map(chr, range(33))))
    if not server or server != rest[:cut]:
        return  # spaces and control characters at the ends of a URL are not read, within it they are
    assert origin_of(scheme + rest) == origin_of(f"{scheme}{server}/")


def is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
