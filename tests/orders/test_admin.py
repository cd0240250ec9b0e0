"""Support looks at orders and money in the admin, and changes neither."""

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.orders.models import Order
from apps.payments.models import Payment


@pytest.fixture
def admin(db) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.org"))
    return client


@pytest.mark.parametrize("model", [Order, Payment])
def test_rows_are_shown_with_their_history_and_cannot_be_changed(stage, admin, model):
    stage.until("SETTLED")
    name = model._meta.model_name
    row = model.objects.get()
    assert admin.get(reverse(f"admin:{model._meta.app_label}_{name}_changelist")).status_code == 200
    address = reverse(f"admin:{model._meta.app_label}_{name}_change", args=[row.pk])
    assert row.events.last().why in admin.get(address).content.decode()
    assert admin.post(address, {"state": "FAILED"}).status_code == 403
    assert admin.get(reverse(f"admin:{model._meta.app_label}_{name}_add")).status_code == 403
    assert (
        admin.post(reverse(f"admin:{model._meta.app_label}_{name}_delete", args=[row.pk])).status_code == 403
    )
