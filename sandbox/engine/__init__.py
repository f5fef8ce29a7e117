"""The billing rules of the stand-in: pure functions over a Work, without HTTP.

A verb takes the Work (one transaction: objects, clock, ids, events) and the contract's parameters,
and returns the object it made or changed, stored form: references are ids, nothing is expanded.
More verbs and clocks per customer can join; the shape of a verb stays.
"""
