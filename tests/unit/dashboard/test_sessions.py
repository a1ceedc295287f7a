"""Sessions end; who guesses waits, and keeps nobody else waiting."""

from evergreen.dashboard.sessions import HOUR, LONGEST_WAIT, MOST_ADDRESSES, MOST_SESSIONS, Sessions

TOKEN = "a token of the tests"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def sessions() -> tuple[Sessions, Clock]:
    clock = Clock()
    return Sessions(TOKEN, hours=8, clock=clock), clock


def test_a_session_has_a_word_until_it_ends() -> None:
    kept, clock = sessions()
    session = kept.begin(TOKEN)
    assert session
    assert kept.begin("guess") is None
    assert Sessions("").begin("") is None
    word = kept.word(session)
    assert len(word) > 30
    clock.now += 8 * HOUR - 1
    assert kept.word(session) == word
    clock.now += 1
    assert kept.word(session) == ""
    other = kept.begin(TOKEN)
    assert other
    kept.end(other)
    assert kept.word(other) == ""
    assert kept.word("") == ""


def test_sessions_are_bounded() -> None:
    kept, _ = sessions()
    begun = [kept.begin(TOKEN) or "" for _ in range(MOST_SESSIONS + 1)]
    assert [bool(kept.word(session)) for session in begun] == [False] + [True] * MOST_SESSIONS


def test_each_wrong_token_doubles_the_wait_of_its_network_alone() -> None:
    kept, clock = sessions()
    waits = []
    for _ in range(14):
        kept.failed("10.0.0.1")
        waits.append(kept.wait("10.0.0.1"))
        clock.now += waits[-1]
    assert waits == [0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, *[LONGEST_WAIT] * 3]
    assert kept.wait("10.0.0.2") == 0
    kept.failed("10.0.0.1")
    kept.succeeded("10.0.0.1")
    assert kept.wait("10.0.0.1") == 0
    for number in range(4):  # who has one address of IPv6 has all of its network
        kept.failed(f"2001:db8::{number}")
    assert kept.wait("2001:db8::ffff") == 2
    assert kept.wait("2001:db8:0:1::1") == 0
    for number in range(MOST_ADDRESSES + 10):
        kept.failed(f"host {number}")
    assert len(kept._tries) == MOST_ADDRESSES
