"""Builds a signature's inputs from rows."""

from evergreen.errors import EvergreenError, or_meant
from evergreen.serving.client import signatures
from evergreen.serving.client.columns import Rows, check_names, from_rows, to_array
from evergreen.serving.client.examples import serialize
from evergreen.serving.client.signatures import Signature, Signatures
from evergreen.serving.client.tensors import Tensors


def build(served: Signatures, name: str, rows: Rows) -> Tensors:
    """Builds the inputs of a request.

    Args:
        served: The model's signatures.
        name: The name of the signature.
        rows: Rows of raw columns. Columns that the signature does not take are ignored.

    Returns:
        Tensors by input: serialized `tf.Example`s, or one tensor per column.

    Raises:
        EvergreenError: If there is no such signature.
        DataError: If rows lack a column, or a value has a wrong type.
    """
    signature = find(served, name)
    columns, known = from_rows(rows), signatures.columns(served, name)
    by_example = signature.takes_examples() and not signature.inputs.keys() <= columns.keys()
    if not by_example:
        check_names(columns, signature.inputs, name)
        return {key: to_array(key, columns[key], spec) for key, spec in signature.inputs.items()}
    check_names(columns, known, name)
    chosen = {key: columns[key] for key in known} or columns
    return dict.fromkeys(signature.inputs, serialize(chosen, signatures.types(served)))


def find(served: Signatures, name: str) -> Signature:
    """Returns a signature by its name.

    Raises:
        EvergreenError: If it does not exist, with the names that do; or if this client cannot use
            it.
    """
    if name in served:
        if why := served[name].unreadable:
            raise EvergreenError(
                f"the signature {name!r} cannot be asked by this client: {why}.",
                hint="Ask with tensorflow-serving-api and tf.make_ndarray.",
            )
        return served[name]
    raise EvergreenError(
        f"the model has no signature {name!r}{or_meant(name, served)}",
        hint=f"It has: {', '.join(served)}." if served else "It has none at all.",
    )
