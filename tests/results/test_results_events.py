from dmin.results.events import Events, Second


def test_the_nearest_second_is_the_first_of_the_highest_relevance():
    rows = tuple(Second(float(t), r, "Dog", {"Dog": 1.0}) for t, r in enumerate([0.1, 0.4, 0.2, 0.4]))
    events = Events("dog.mp4", 4.0, "starter", 0.5, rows, ())
    assert events.nearest is rows[1]
    assert Events("dog.mp4", 0.0, "starter", 0.5, (), ()).nearest is None
