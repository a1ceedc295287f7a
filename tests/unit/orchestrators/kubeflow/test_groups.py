"""Nodes share containers, automatically or as the settings say."""

import pytest

from evergreen.errors import SettingsError
from evergreen.orchestrators.kubeflow.groups import Grouping, group
from evergreen.orchestrators.kubeflow.shape import Node, Shape
from evergreen.settings.kubeflow import KubeflowSettings


def node(name: str, *upstream: str, heavy: bool = False) -> Node:
    return Node(name, frozenset(upstream), heavy)


SHAPE = Shape(
    ingest=(
        node("Schema"),
        node("Examples"),
        node("Statistics", "Examples", heavy=True),
        node("Validator", "Statistics", "Schema"),
    ),
    gate=(node("Gate", "Validator"),),
    train=(
        node("Schema"),
        node("Transform", "Schema", heavy=True),
        node("Trainer", "Transform", heavy=True),
        node("Evaluator", "Trainer", heavy=True),
        node("ModelGate", "Evaluator"),
        node("Pusher", "ModelGate"),
    ),
)


def grouped(**settings: object) -> Grouping:
    return group(SHAPE, KubeflowSettings.model_validate(settings))


def names(grouping: Grouping) -> list[tuple[str, ...]]:
    return [group.nodes for group in (*grouping.ingest, *grouping.train)]


def test_each_container_has_one_node_that_does_the_work() -> None:
    found = grouped()
    assert names(found) == [
        ("Schema", "Examples", "Statistics", "Validator"),
        ("Gate", "Schema", "Transform"),
        ("Trainer",),
        ("Evaluator", "ModelGate", "Pusher"),
    ]
    assert [group.name for group in found.train] == ["transform", "trainer", "evaluator"]
    assert [group.upstream for group in found.train] == [(), ("transform",), ("trainer",)]
    assert found.gate == ("Gate",)


def test_a_node_that_asks_for_something_gets_a_container_of_its_own() -> None:
    found = grouped(nodes={"Pusher": {"image": "pusher:1"}})
    assert names(found)[-2:] == [("Evaluator", "ModelGate"), ("Pusher",)]
    assert found.train[-1].asks.image == "pusher:1"
    assert found.train[-1].asks.memory == "4Gi"  # as every node


def test_nodes_that_ask_for_the_same_share_a_container() -> None:
    gpu = {"accelerator": {"count": 1}}
    found = grouped(nodes={"Trainer": gpu, "Evaluator": gpu})
    assert names(found)[-1] == ("Trainer", "Evaluator", "ModelGate", "Pusher")


def test_the_settings_name_groups_and_single_nodes() -> None:
    found = grouped(groups=[["Transform", "Trainer"], ["ModelGate"]])
    assert names(found)[1:] == [
        ("Gate", "Schema"),
        ("Transform", "Trainer"),
        ("Evaluator",),
        ("ModelGate",),
        ("Pusher",),
    ]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"nodes": {"Trainr": {"cpu": "2"}}}, r"kubeflow\.nodes\.Trainr: .* mean 'Trainer'\?"),
        ({"groups": [["Evaluatr", "Pusher"]]}, r"groups: Evaluatr: .* mean 'Evaluator'\?"),
        ({"groups": [["Trainer", "ModelGate"]]}, "each would have to run before the other"),
        ({"groups": [["Statistics", "Trainer"]]}, "not of one half"),
        ({"groups": [["Transform"], ["Transform", "Trainer"]]}, "Transform: is in several"),
        (
            {
                "groups": [["Transform", "Trainer"]],
                "nodes": {"Transform": {"cpu": "2"}, "Trainer": {"cpu": "4"}},
            },
            "different resources",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_the_names(
    settings: dict[str, object], message: str
) -> None:
    with pytest.raises(SettingsError, match=message) as refused:
        grouped(**settings)
    assert refused.value.hint
