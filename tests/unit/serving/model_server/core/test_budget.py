"""The memory of JSON is estimated before it is parsed."""

import tracemalloc

import orjson
import pytest

from evergreen.serving.model_server.core.budget import values

COUNT = 20_000
NAMES = [f"feature_{at}" for at in range(12)]
DOCUMENTS = {
    "rows of text": [dict.fromkeys(NAMES, f"text {at}") for at in range(COUNT // 12)],
    "rows of numbers": [dict.fromkeys(NAMES, at / 7) for at in range(COUNT // 12)],
    "objects of one": [{str(at): at / 7} for at in range(COUNT)],
    "many keys": {str(at): at / 7 for at in range(COUNT)},
    "lists of one": [[at / 7] for at in range(COUNT)],
    "empty objects": [{} for _ in range(COUNT)],
    "texts": [f"text {at}" for at in range(COUNT)],
}


@pytest.mark.parametrize("what", DOCUMENTS)
def test_what_is_parsed_takes_no_more(what: str) -> None:
    body = orjson.dumps(DOCUMENTS[what])
    assert taken(body) <= len(body) + values(body) <= 6 * taken(body)


@pytest.mark.parametrize("wide", ["\N{EVERGREEN TREE}", "\\ud83c\\udf32"])
def test_one_wide_character_widens_a_text(wide: str) -> None:
    body = f'["{"a" * 10**6}{wide}"]'.encode()
    assert 4 * 10**6 < taken(body) <= values(body)


def taken(body: bytes) -> int:
    """The bytes of what the document becomes."""
    tracemalloc.start()
    document = orjson.loads(body)
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert document
    return size
