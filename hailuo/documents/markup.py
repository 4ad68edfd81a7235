"""Untrusted XML, parsed without entities, DTD and network.

Elements are identified by their local names, which transitional and strict Office Open
XML share, and all versions of OpenDocument, whereas their namespaces differ.
"""

import io
from collections.abc import Iterator
from typing import Any

from lxml import etree

from .bounds import Unreadable

Element = Any  # lxml has no type hints


def parsed(data: bytes) -> Element:
    """Return the root of a document.

    raises: Unreadable for declared entities, etree.XMLSyntaxError.
    """
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
    )
    root = etree.fromstring(data, parser)
    _refuse_entities(root)
    return root


def streamed(data: bytes, *names: str) -> Iterator[Element]:
    """Yield the elements of these local names as they end, and free them afterwards.

    raises: as `parsed`.
    """
    events = etree.iterparse(
        io.BytesIO(data),
        events=("end",),
        tag=[f"{{*}}{name}" for name in names],
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
    )
    for count, (_, element) in enumerate(events):
        if not count:
            _refuse_entities(element)
        yield element
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]


def name_of(element: Element) -> str:
    """Return the local name; "" for comments and the like."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: Element, name: str) -> str:
    """Return the attribute of this local name, or ""."""
    for key, value in element.attrib.items():
        if str(key).rpartition("}")[2] == name:
            return str(value)
    return ""


def child(element: Element, name: str) -> Element | None:
    """Return the first child of this local name, or None."""
    return next(children(element, name), None)


def children(element: Element, *names: str) -> Iterator[Element]:
    return (each for each in element if name_of(each) in names)


def descendants(element: Element, *names: str) -> Iterator[Element]:
    """Yield the elements of these local names in document order, itself included."""
    yield from element.iter(*(f"{{*}}{name}" for name in names))


def _refuse_entities(element: Element) -> None:
    declared = element.getroottree().docinfo.internalDTD
    if declared is not None and any(True for _ in declared.iterentities()):
        raise Unreadable("declares XML entities, which are not read")
