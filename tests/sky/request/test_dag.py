"""Dag: edges, chains, cycles, and the dag that a new task joins."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sky
from catalog.errors import UserError
from sky.dag import get_current_dag


def test_chained_arrows_build_a_chain() -> None:
    with sky.Dag() as dag:
        a, b, c = sky.Task("a"), sky.Task("b"), sky.Task("c")
        assert (a >> b >> c) is c
    assert dag.edges == ((a, b), (b, c))
    assert dag.is_chain()
    assert len(dag) == 3
    assert list(dag.graph.edges) == [(a, b), (b, c)]
    assert list(dag.get_graph().nodes) == [a, b, c]


def test_tasks_join_the_innermost_dag_of_their_thread() -> None:
    with sky.Dag() as outer:
        first = sky.Task("first")
        with sky.Dag() as inner:
            second = sky.Task("second")
        third = sky.Task("third")
        elsewhere: list[object] = []
        thread = threading.Thread(target=lambda: elsewhere.extend([get_current_dag(), sky.Task("far")]))
        thread.start()
        thread.join()
    assert outer.tasks == [first, third]
    assert inner.tasks == [second]
    assert elsewhere[0] is None
    assert get_current_dag() is None


def test_the_dag_is_left_when_its_body_fails() -> None:
    with pytest.raises(RuntimeError), sky.Dag():
        raise RuntimeError
    assert get_current_dag() is None


def test_add_and_remove() -> None:
    dag = sky.Dag()
    a, b = sky.Task("a"), sky.Task("b")
    dag.add(a)
    dag.add(a)
    with pytest.raises(AssertionError, match="is not in this dag"):
        dag.add_edge(a, b)
    with pytest.raises(ValueError, match="is not in this dag"):
        dag.remove(b)
    dag.add(b)
    dag.add_edge(a, b)
    dag.add_edge(a, b)
    assert dag.edges == ((a, b),)
    dag.remove(a)
    assert (dag.tasks, dag.edges) == ([b], ())


@pytest.mark.parametrize(
    ("edges", "chain"),
    [
        ([], False),
        ([(0, 1), (1, 2)], True),
        ([(2, 1), (1, 0)], True),
        ([(0, 1)], False),
        ([(0, 1), (0, 2)], False),
        ([(0, 2), (1, 2)], False),
        ([(0, 1), (1, 0)], False),
        ([(0, 1), (1, 2), (2, 0)], False),
    ],
)
def test_is_chain(edges: list[tuple[int, int]], chain: bool) -> None:
    dag = _dag(3, edges)
    assert dag.is_chain() is chain


def test_nothing_and_one_task_are_chains() -> None:
    assert _dag(0, []).is_chain()
    assert _dag(1, []).is_chain()


def test_a_cycle_is_reported_with_its_names() -> None:
    dag = _dag(4, [(0, 1), (1, 2), (2, 1), (2, 3)])
    with pytest.raises(UserError, match=r"in a cycle: (t1 -> t2 -> t1|t2 -> t1 -> t2); remove"):
        dag.topological_order()


@given(
    st.integers(1, 8).flatmap(
        lambda n: st.tuples(st.just(n), st.sets(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1))))
    )
)
def test_order_puts_every_task_after_what_it_needs(drawn: tuple[int, set[tuple[int, int]]]) -> None:
    size, pairs = drawn
    edges = [(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]]
    dag = _dag(size, edges)
    order = [task.name for task in dag.topological_order()]
    assert sorted(str(name) for name in order) == sorted(f"t{index}" for index in range(size))
    assert all(order.index(f"t{a}") < order.index(f"t{b}") for a, b in edges)
    assert set(dag.edge_indices) == set(edges)


def _dag(size: int, edges: list[tuple[int, int]]) -> sky.Dag:
    dag = sky.Dag()
    tasks = [sky.Task(f"t{index}") for index in range(size)]
    for task in tasks:
        dag.add(task)
    for source, target in edges:
        dag.add_edge(tasks[source], tasks[target])
    return dag
