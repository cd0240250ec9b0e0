"""Charge points that exist only in memory and talk to the door like real ones.

An ordinary client of OCPP 1.6J or 2.0.1: it imports no room and no model, and knows of the portal only an address and
a password. `SimulatedChargePoint` is one box, `scenarios` is what may go wrong with it, `fleet.run` many of them,
`loop_thread.LoopThread` runs them beside an ordinary test.
"""

from apps.ocpp.simulator.car import Car
from apps.ocpp.simulator.charge_point import SimulatedChargePoint
from apps.ocpp.simulator.clock import Clock, SteppedClock
from apps.ocpp.simulator.loop_thread import LoopThread

__all__ = ["Car", "Clock", "LoopThread", "SimulatedChargePoint", "SteppedClock"]
