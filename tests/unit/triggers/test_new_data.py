"""A span counts when it is complete, once, in whatever order spans come."""

import shutil

import pyarrow as pa

from evergreen.spans import publish_version
from evergreen.triggers.decision import Why
from tests.unit.triggers.world import World


def test_half_a_span_is_no_span(world: World) -> None:
    world.step()
    root = world.settings.data.span_root
    whole = world.bench.publish(3)
    half = root / "span-00004" / "version-01"
    shutil.copytree(whole.path, half, ignore=shutil.ignore_patterns("manifest.json"))
    (root / ".staging-abc").mkdir()
    assert world.starts(world.step()) == [[1, 2, 3]]
    assert not world.step().entries


def test_a_damaged_manifest_is_no_span_until_it_is_published_whole(world: World) -> None:
    world.step()
    span = world.bench.publish(3)
    manifest = span.path / "manifest.json"
    text = manifest.read_text()
    manifest.write_text(text[:50])
    assert not world.step().entries
    manifest.write_text(text)
    assert world.starts(world.step()) == [[1, 2, 3]]


def test_the_same_span_twice_is_one_run(world: World) -> None:
    world.step()
    world.bench.publish(3)
    world.step()
    world.bench.publish(3)
    assert not world.step().entries


def test_spans_may_come_out_of_order(world: World) -> None:
    world.step()
    world.bench.publish(5)
    assert world.starts(world.step()) == [[1, 2, 5]]
    world.bench.publish(4)
    assert world.starts(world.step()) == [[1, 2, 4, 5]]


def test_a_version_that_is_overtaken_before_it_is_decided_about_is_not_run(world: World) -> None:
    world.begin("triggers.cooldown_seconds=7200")
    world.step()
    world.bench.publish(3)
    world.step()
    world.bench.publish(3, value=1)
    step = world.step()
    assert [decision.why for decision in world.decisions(step)] == [Why.SUPERSEDED, Why.TRAIN]
    assert world.starts(step) == [[1, 2, 3]]
    assert world.records[-1].window[-1].version == 2


def test_since_last_takes_what_no_training_has_seen(world: World) -> None:
    world.begin("triggers.window.of=since_last")
    world.step()
    world.bench.publish(3, 4)
    assert world.starts(world.step()) == [[3, 4]]
    world.bench.publish(1, value=1)
    assert world.starts(world.step()) == [[1]]
    world.fire()
    assert world.starts(world.step()) == []


def test_expanding_takes_all(world: World) -> None:
    world.begin("triggers.window.of=expanding", "triggers.window.spans=1")
    world.step()
    world.bench.publish(3)
    assert world.starts(world.step()) == [[1, 2, 3]]


def test_spans_of_another_period_are_not_of_this_pipeline(world: World) -> None:
    world.step()
    span = world.bench.publish(3)
    root = world.settings.data.spans / "month"
    shutil.rmtree(span.path.parent)
    assert publish_version(root, 3, pa.table({"trip_id": ["a"]})).number == 3
    assert not world.step().entries
