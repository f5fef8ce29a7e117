"""The outside world of the billing portal on loopback: Stripe's wire format, a mailbox, a clock to move.

A process of its own (`python -m sandbox`); it imports nothing of the portal, and only tests and the
process that starts it import this package. Layers, importing downward only:

    server, control, pages    HTTP: the API, the switches for tests, the pages for people
    wire                      Stripe's wire format: forms, errors, lists, expand, idempotency
    deliveries, mail          what leaves (webhooks) and what arrives (SMTP)
    engine                    the billing rules over a Work (one transaction); knows nothing of HTTP
    contract                  the pinned JSON schema: requests are coerced, answers are checked
    store, clock, ids, cards  state and facts
"""
