"""Names that anybody may make up are counted in a memory of their own size, not of theirs."""

import random
from collections import Counter

from evergreen.quality.names import CAPACITY, Names


def test_few_names_are_counted_exactly() -> None:
    names = Names()
    for _ in range(3):
        names.add(["colour", "size"])
    names.add(["colour"])
    names.add([])
    assert names.rows == 4
    assert names.text == "colour (4 rows), size (3 rows)"


def test_of_names_without_end_the_frequent_ones_are_found() -> None:
    chance = random.Random(5)
    names, truth, rows = Names(), Counter[str](), 20_000
    for at in range(rows):
        row = [f"{chance.random()}-{at}", *(["often"] if at % 10 == 0 else [])]
        names.add(row)
        truth.update(row)
        assert len(names) <= 2 * CAPACITY
    [(name, count)] = names.most_common(1)
    assert name == "often"
    assert truth["often"] - truth.total() / CAPACITY <= count <= truth["often"]
    assert names.rows == rows
    assert "more than 512 names, most often often" in names.text


def test_parts_add_up_to_the_whole() -> None:
    whole = Names()
    for part in range(50):
        names = Names()
        for at in range(200):
            names.add([f"{part}-{at}", "often"])
        whole.merge(names)
    assert whole.rows == 10_000
    assert len(whole) <= 2 * CAPACITY
    assert whole.most_common(1)[0][0] == "often"


def test_a_row_of_many_names_and_a_name_of_a_megabyte_take_no_memory() -> None:
    names = Names()
    names.add(str(at) for at in range(10_000))
    names.add(["x" * 2**20, "x" * 2**21])
    assert len(names) <= 2 * CAPACITY
    assert names.rows == 2
    assert len(names.text) < 300
