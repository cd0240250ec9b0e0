from apps.charging.models import Session
from apps.lib.moves import check_moves


def test_moves_of_a_session_are_sound():
    assert check_moves(Session.State, Session.MOVES) == []


def test_every_waiting_state_has_a_patience():
    assert set(Session.LIVE) - set(Session.PATIENCE) == {Session.State.PENDING}  # the settings say that one
