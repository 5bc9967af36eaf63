"""A camera driver that publishes a photograph as CompressedImage, a little different each time.

On a topic with `still` in its name it is the same each time.
"""

import sys

import cv2
import matplotlib
import rclpy
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage

from vla_ros.ros import qos
from vla_ros.ros.convert import octets
from vla_ros.ros.spin import run

PHOTOGRAPH = f"{matplotlib.get_data_path()}/sample_data/grace_hopper.jpg"


class PhotoDriver(Node):
    def __init__(self):
        super().__init__("photo_driver")
        self.photograph = cv2.resize(cv2.imread(PHOTOGRAPH), (640, 720))
        self.topics = rclpy.utilities.remove_ros_args(sys.argv)[1:]
        self.outputs = [self.create_publisher(CompressedImage, t, qos.IMAGE) for t in self.topics]
        self.count = 0
        self.create_timer(0.1, self.publish)

    def publish(self):
        self.count += 1
        stamp = self.get_clock().now().to_msg()
        for number, output in enumerate(self.outputs):
            moved = 0 if "still" in self.topics[number] else 7 * self.count
            top = (40 * number + moved) % 360
            jpeg = cv2.imencode(".jpg", self.photograph[top : top + 360])[1]
            message = CompressedImage(format="jpeg", data=octets(jpeg))
            message.header.stamp = stamp
            output.publish(message)


if __name__ == "__main__":
    sys.exit(run(PhotoDriver))
