from django.urls import path

from apps.orders import change_views, paper_views, slot_views, views

app_name = "orders"

urlpatterns = [
    path("", views.history, name="history"),
    path("charges.csv", views.history_table, name="history_table"),
    # orders/new/<offer>/
    path("new/<uuid:code>/", views.ask, name="new"),
    path("new/<uuid:code>/estimate/", views.estimate, name="estimate"),
    path("new/<uuid:code>/times/", slot_views.times, name="times"),
    # orders/<order>/
    path("<uuid:code>/", views.order, name="order"),
    path("<uuid:code>/new-price/", views.new_price, name="new_price"),
    path("<uuid:code>/terms/", views.terms, name="terms"),
    path("<uuid:code>/accept/", views.accept, name="accept"),
    path("<uuid:code>/start/", views.start, name="start"),
    path("<uuid:code>/stop/", views.stop, name="stop"),
    path("<uuid:code>/change/", change_views.change, name="change"),
    path("<uuid:code>/change/estimate/", change_views.estimate, name="change_estimate"),
    path("<uuid:code>/change/plug/<uuid:plug>/", change_views.other_plug, name="other_plug"),
    path("<uuid:code>/change/<uuid:change>/", change_views.answer, name="answer_change"),
    path("<uuid:code>/extend/", change_views.extend, name="extend"),
    path("<uuid:code>/my-plug/", change_views.my_plug, name="my_plug"),
    path("<uuid:code>/not-my-car/", change_views.not_my_car, name="not_my_car"),
    path("<uuid:code>/cancel/", views.cancel, name="cancel"),
    path("<uuid:code>/receipt/", views.show_receipt, name="receipt"),
    path("<uuid:code>/receipt.pdf", paper_views.receipt_pdf, name="receipt_pdf"),
    path("<uuid:code>/receipt/send/", paper_views.send_receipt, name="send_receipt"),
    path("<uuid:code>/documents/<int:place>.pdf", paper_views.document_pdf, name="document_pdf"),
    path("<uuid:code>/refund/", views.refund, name="refund"),
    path("<uuid:code>/times/", slot_views.other_times, name="other_times"),
    path("<uuid:code>/times/change/", slot_views.change, name="change_time"),
    path("<uuid:code>/late/", slot_views.late, name="late"),
    path("<uuid:code>/help/", views.ask_for_help, name="help"),
    path("<uuid:code>/readings/", views.readings, name="readings"),
    path("<uuid:code>/messages/", views.messages, name="messages"),
]
