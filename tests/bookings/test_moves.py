from apps.bookings.models import Booking
from apps.lib.moves import check_moves


def test_moves_of_a_booking_are_sound():
    assert check_moves(Booking.State, Booking.MOVES) == []


def test_every_waiting_state_has_a_patience():
    waiting = {state for state in Booking.State.values if Booking.MOVES[state]} - {Booking.State.EXPIRED}
    assert waiting == set(Booking.PATIENCE)
