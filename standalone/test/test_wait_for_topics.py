import pytest
from std_msgs.msg import String

from launch_testing_ros import WaitForTopics


def test_messages_that_come(publisher):
    waiting = WaitForTopics([("words", String)], timeout=20.0, messages_received_buffer_length=2)
    try:
        for _ in range(2):  # counted from each call
            assert waiting.wait()
            assert waiting.topics_received() == {"words"}
            assert waiting.topics_not_received() == set()
            messages = waiting.received_messages("words")
            assert messages[0].data == "wörd" and len(messages) <= 2
        with pytest.raises(KeyError):
            waiting.received_messages("nothing")
    finally:
        waiting.shutdown()


def test_as_a_context(publisher):
    with WaitForTopics([("words", String)], timeout=20.0) as waiting:
        assert waiting.topics_received() == {"words"}


def test_a_topic_that_stays_silent(publisher):
    waiting = WaitForTopics([("words", String), ("silence", String)], timeout=1.0)
    try:
        with pytest.raises(RuntimeError) as caught:
            waiting.__enter__()
        assert "silence" in caught.value.args[1]
        assert waiting.topics_not_received() >= {"silence"}
    finally:
        waiting.shutdown()
