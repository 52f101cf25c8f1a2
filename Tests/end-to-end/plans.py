"""Plans as JSON, for the pipeline 'plan-file', which runs any of them."""

import json
import os

import harness

CODECS = harness.plugin("codecs")


def column(name):
    return {"column": name}


def literal(value):
    kind = {bool: "bool", int: "int64", float: "float64", str: "utf8"}[type(value)]
    return {"literal": {kind: value}}


def call(function, *arguments):
    """Names of columns are given as `column`, everything that is no expression is a literal."""
    return {"call": {"function": function, "arguments": [each if isinstance(each, dict) else literal(each) for each in arguments]}}


def cast(expression, type):
    return {"cast": {"expression": expression, "type": type}}


def field(name, type):
    return {"name": name, "type": type, "nullable": True}


def source(name, path, schema=(), **options):
    """Without a schema the host finds the columns."""
    return {"source": {"implementation": _connector(name, path, options), "schema": list(schema), "badRecords": {"stop": {}}}}


def sink(name, path=None, **options):
    return {"sink": {"implementation": _connector(name, path, options)}}


def _connector(name, path, options):
    return {"connector": {"name": name, "options": {**({"path": path} if path else {}), **options}}}


def select(**columns):
    return {"select": {"columns": [{"name": name, "expression": value} for name, value in columns.items()]}}


def filter(condition):
    return {"filter": {"condition": condition}}


def key_by(*names):
    return {"keyBy": {"keys": [{"name": name, "expression": column(name)} for name in names]}}


def aggregate(**calls):
    """Each is (function, argument or None, other members)."""
    return {
        "aggregate": {
            "aggregates": [
                {"function": function, "name": name, **({"argument": argument} if argument else {}), **(rest[0] if rest else {})}
                for name, (function, argument, *rest) in calls.items()],
            "emission": "per-batch"}}


def parameters(folder, *operators):
    """Writes the plan, one operator after the other, and gives what the pipeline wants to know."""
    nodes = []
    for index, operator in enumerate(operators):
        node = {"id": index, "inputs": [{"node": index - 1, "output": 0}] if index else [], "operator": operator}
        if "source" in operator or "sink" in operator or "aggregate" in operator:
            node["uid"] = f"{next(iter(operator))}-{index}"
        nodes.append(node)
    path = os.path.join(folder, f"plan-{len(os.listdir(folder))}.json")
    with open(path, "w") as file:
        json.dump({"version": {"major": 0, "minor": 1}, "name": "plan-file", "nodes": nodes}, file)
    return {"plan": path}


def run(folder, *operators, codec=CODECS, **flags):
    """Runs to the end, which must be good; `codec=None`: without the codec plugin."""
    if codec:
        flags["codec"] = codec
    return harness.run(harness.plugin("plan-file"), parameters=parameters(folder, *operators), **flags)


def refused(folder, code, words, *operators, codec=CODECS, **flags):
    """Runs, and must end with this code and a last line that has all of these words."""
    if codec:
        flags["codec"] = codec
    done = harness.attempt(harness.plugin("plan-file"), parameters=parameters(folder, *operators), **flags)
    last = done.stderr.strip().splitlines()[-1]
    assert done.code == code, f"expected exit code {code}: {done}"
    for word in words:
        assert word in last, f"'{word}' is not in: {last}"


def pace(rows_per_second, fields):
    """A batch function of 'plan-file' that hands on its rows, that many a second in each subtask."""
    return {"batchFunction": {"function": f"pace-{rows_per_second}", "label": "pace", "outputs": [list(fields)]}}
