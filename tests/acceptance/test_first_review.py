"""The main job: a pull request in, one review, one summary and one check run out; and the same again."""

from __future__ import annotations

def test_first(world):
    url = world.open("vouchers")
    done = world.review(url)
    print(done.out, done.err)
    print([ (s.method, s.path) for s in world.stage.sent])
    done = world.review(url)
    print(done.out, done.err)
    print([ (s.method, s.path) for s in world.stage.sent])
    print(world.posted)
    assert 0
