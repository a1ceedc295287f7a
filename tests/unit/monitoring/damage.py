"""Damages files as disks, networks and people do."""

from hypothesis import strategies as st

FOOTER = 600


def damaged(data: st.DataObject, content: bytes) -> bytes:
    """Cuts a file, or overwrites, moves, doubles or inserts some of its bytes."""
    size = len(content)
    place = data.draw(st.integers(0, size - 1) | st.integers(max(0, size - FOOTER), size - 1))
    end = place + data.draw(st.integers(1, 40))
    how = data.draw(st.sampled_from(["cut", "zeros", "bytes", "bit", "insert", "double", "drop"]))
    if how == "cut":
        return content[:place]
    if how == "drop":
        return content[:place] + content[end:]
    some = {
        "zeros": bytes(end - place),
        "bytes": data.draw(st.binary(min_size=1, max_size=40)),
        "bit": bytes([content[place] ^ 1 << data.draw(st.integers(0, 7))]),
        "insert": b"",
        "double": content[place:end] * 2,
    }[how]
    if how == "insert":
        return content[:place] + data.draw(st.binary(min_size=1, max_size=20)) + content[place:]
    return content[:place] + some + content[place + len(some) :]
