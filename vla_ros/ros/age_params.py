"""How old inputs may be: the same parameters wherever that is judged."""

from dataclasses import dataclass

from vla_ros.core.safety import AgeLimits
from vla_ros.ros.params import param


@dataclass(frozen=True)
class FeatureAgeParams:
    """Parameters of whoever judges the age of features."""

    features_soft_s: float = param(3.0, "older features slow the robot down", low=0.0, high=600.0)
    features_hard_s: float = param(5.0, "older features hold it", low=0.01, high=600.0)


@dataclass(frozen=True)
class AgeParams(FeatureAgeParams):
    """Parameters of whoever judges the age of all inputs.

    The timeouts leave room for the age that a stream gains while the last chunk is played out:
    then a lost action node is called that, and not a lost sensor.
    """

    sensor_timeout_s: float = param(0.3, "an older sensor holds it", low=0.01, high=60.0)
    state_timeout_s: float = param(0.3, "older robot states hold it", low=0.01, high=60.0)

    def age_limits(self) -> AgeLimits:
        """Return the limits.

        Raises:
            ParameterError: the soft limit is not below the hard one.
        """
        return AgeLimits(
            self.features_soft_s, self.features_hard_s, self.sensor_timeout_s, self.state_timeout_s
        )
