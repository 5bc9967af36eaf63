"""reuse_threshold: a view that does not change keeps its features, and everybody is told so."""

import unittest
from itertools import pairwise

import launch_testing.asserts
import launch_testing.markers
import pytest
from observer import Observer, live

from vla_ros.msg import ActionChunk, VlFeatures
from vla_ros.ros import qos
from vla_ros.ros.convert import to_ns

MAX_AGE_S = 3.0
REUSE = {"reuse_threshold": 3.0, "reuse_max_age_s": MAX_AGE_S}


@pytest.mark.launch_test
@launch_testing.markers.keep_alive
def generate_test_description():
    return live(("still", "wrist"), {"/**/vl_encoder": {"ros__parameters": REUSE}})


class TestGatedViews(unittest.TestCase):
    def setUp(self):
        self.observer = Observer()

    def tearDown(self):
        self.observer.close()

    def test_only_the_view_that_changes_is_new(self):
        self.observer.listen(VlFeatures, "features", qos.FEATURES)
        features = self.observer.wait_for("features", 6)
        stamps = [[to_ns(stamp) for stamp in message.view_stamps] for message in features]
        still, wrist = zip(*stamps, strict=True)
        self.assertTrue(all(before < after for before, after in pairwise(wrist)))
        self.assertTrue(all(before <= after for before, after in pairwise(still)))
        self.assertGreaterEqual(len(still) - len(set(still)), 2, "the still view was kept")
        self.assertGreaterEqual(len(set(still)), 2, "but not for ever")
        self.assertLessEqual(max(w - s for s, w in stamps), (MAX_AGE_S + 0.1) * 1e9)

    def test_the_ledger_of_ages_tells_each_view_s_own(self):
        self.observer.listen(ActionChunk, "action_chunk", qos.CHUNK)
        chunks = self.observer.wait_for("action_chunk", 30)
        self.assertTrue(any(c.view_age_s[0] > c.view_age_s[1] + 0.5 for c in chunks))
        self.assertTrue(all(c.features_age_s == max(c.view_age_s) for c in chunks))


@launch_testing.post_shutdown_test()
class TestAfterwards(unittest.TestCase):
    def test_everybody_ended_cleanly(self, proc_info):
        launch_testing.asserts.assertExitCodes(proc_info)
