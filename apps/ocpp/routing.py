"""The address of a charge point is `/ocpp/<its identity>`. Mounted in evportal/asgi.py beside the browser's sockets."""

from channels.routing import URLRouter
from django.urls import re_path

from apps.ocpp.gateway import ChargePointGateway

# Takes everything below /ocpp/: what is no identity is refused by the door like any stranger.
charge_points = URLRouter([re_path(r"^ocpp/(?P<charge_point_id>(?s:.*?))/?\Z", ChargePointGateway.as_asgi())])
