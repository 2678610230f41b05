"""Shapes of names, label keys and label values, with Kubernetes' texts (apimachinery util/validation, api/validation/content).

Each function takes a text and returns what is wrong with it: a list of sentences, empty when it is right.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address

_NAME_PART = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_DNS1123_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_DNS1123_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_DNS1035_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_WILDCARD = re.compile(r"\*\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_CONFIG_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_ENV_NAME = re.compile(r"[ -<>-~]+")
_PORT_NAME = re.compile(r"[-a-z0-9]+")
_LETTER = re.compile(r"[a-z]")

_NAME_PART_TEXT = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
    "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_QUALIFIED_TEXT = (
    f"a valid label key {_NAME_PART_TEXT} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
)
_LABEL_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_1035_TEXT = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    "'[a-z]([-a-z0-9]*[a-z0-9])?')"
)

OK: tuple[str, ...] = ()


def _too_long(limit: int) -> str:
    return f"must be no more than {limit} bytes"


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


@lru_cache(maxsize=4096)
def dns_label(text: str) -> tuple[str, ...]:
    """DNS-1123 label: container names, namespaces."""
    found = []
    if _bytes(text) > 63:
        found.append(_too_long(63))
    if _DNS1123_LABEL.fullmatch(text) is None:
        found.append(_LABEL_TEXT)
    return tuple(found)


@lru_cache(maxsize=4096)
def dns_subdomain(text: str) -> tuple[str, ...]:
    """DNS-1123 subdomain: most object names."""
    found = []
    if _bytes(text) > 253:
        found.append(_too_long(253))
    if _DNS1123_SUBDOMAIN.fullmatch(text) is None:
        found.append(_SUBDOMAIN_TEXT)
    return tuple(found)


@lru_cache(maxsize=1024)
def dns1035_label(text: str) -> tuple[str, ...]:
    """DNS-1035 label: the names of Services."""
    found = []
    if _bytes(text) > 63:
        found.append(_too_long(63))
    if _DNS1035_LABEL.fullmatch(text) is None:
        found.append(_1035_TEXT)
    return tuple(found)


@lru_cache(maxsize=1024)
def path_segment(text: str) -> tuple[str, ...]:
    """What may stand between two slashes: the names of roles and their bindings."""
    if text in (".", ".."):
        return (f"may not be '{text}'",)
    return tuple(f"may not contain '{mark}'" for mark in "/%" if mark in text)


@lru_cache(maxsize=1024)
def ip_name(text: str) -> tuple[str, ...]:
    """An address in canonical form: the names of IPAddresses."""
    try:
        canonical = str(ip_address(text))
    except ValueError:
        return ("must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",)
    return OK if canonical == text else (f'must be in canonical form ("{canonical}")',)


@lru_cache(maxsize=256)
def wildcard_subdomain(text: str) -> tuple[str, ...]:
    """A subdomain that begins with a star: hosts of Ingresses."""
    if _WILDCARD.fullmatch(text) is None:
        return (
            "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of "
            "lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', "
            f"regex used for validation is '{_WILDCARD.pattern}')",
        )
    return OK


@lru_cache(maxsize=256)
def prefixed_path(text: str) -> tuple[str, ...]:
    """A domain, a slash and a path: controllers of IngressClasses."""
    domain, slash, path = text.partition("/")
    if not slash or not domain or not path:
        return ('must be a domain-prefixed path (such as "acme.io/foo")',)
    return dns_subdomain(domain)


@lru_cache(maxsize=4096)
def qualified_name(text: str) -> tuple[str, ...]:
    """Label keys, annotation keys, taint keys: an optional DNS prefix, a slash and a name part."""
    found: list[str] = []
    parts = text.split("/")
    if len(parts) > 2:
        return (_QUALIFIED_TEXT,)
    if len(parts) == 2:
        if not parts[0]:
            found.append("prefix part must be non-empty")
        else:
            found += [f"prefix part {problem}" for problem in dns_subdomain(parts[0])]
    name = parts[-1]
    if not name:
        found.append("name part must be non-empty")
    elif _bytes(name) > 63:
        found.append(f"name part {_too_long(63)}")
    if _NAME_PART.fullmatch(name) is None:
        found.append(f"name part {_NAME_PART_TEXT}")
    return tuple(found)


@lru_cache(maxsize=4096)
def label_value(text: str) -> tuple[str, ...]:
    """Values of labels and of node selectors."""
    found = []
    if _bytes(text) > 63:
        found.append(_too_long(63))
    if _LABEL_VALUE.fullmatch(text) is None:
        found.append(_LABEL_VALUE_TEXT)
    return tuple(found)


@lru_cache(maxsize=1024)
def config_map_key(text: str) -> tuple[str, ...]:
    """Keys of a ConfigMap or a Secret."""
    found = []
    if _bytes(text) > 253:
        found.append(_too_long(253))
    if _CONFIG_KEY.fullmatch(text) is None:
        found.append(
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or "
            "'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
        )
    elif text == ".":
        found.append('must not be "."')
    elif text == "..":
        found.append('must not be ".."')
    elif text.startswith(".."):
        found.append('must not start with ".."')
    return tuple(found)


@lru_cache(maxsize=1024)
def env_name(text: str) -> tuple[str, ...]:
    """Names of environment variables (relaxed since 1.32: printable ASCII but ``=``)."""
    if _ENV_NAME.fullmatch(text) is None:
        return ("a valid environment variable name must consist only of printable ASCII characters other than '='",)
    return OK


@lru_cache(maxsize=1024)
def port_name(text: str) -> tuple[str, ...]:
    """IANA_SVC_NAME: names of container ports."""
    found = []
    if len(text) > 15:
        found.append("must be no more than 15 characters")
    if _PORT_NAME.fullmatch(text) is None:
        found.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if _LETTER.search(text) is None:
        found.append("must contain at least one letter (a-z)")
    if "--" in text:
        found.append("must not contain consecutive hyphens")
    if text and (text[0] == "-" or text[-1] == "-"):
        found.append("must not begin or end with a hyphen")
    return tuple(found)
