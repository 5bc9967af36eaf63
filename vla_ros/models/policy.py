"""From features, sensor and robot states to a chunk of actions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vla_ros.core.errors import CheckpointError, MessageError, ParameterError
from vla_ros.core.inputs import PolicyInputs
from vla_ros.core.latency import Stage, StageTimer
from vla_ros.core.rings import SampleRing
from vla_ros.models.blocks import WindowEncoder
from vla_ros.models.checkpoint import Checkpoint, load_strict, open_checkpoint
from vla_ros.models.compiled import OrPlain, check_compiled
from vla_ros.models.config import INPUTS, PolicyConfig, expert_name
from vla_ros.models.cuda_graph import captured
from vla_ros.models.experts import EXPERTS, Expert, FlowExpert, bounded
from vla_ros.models.hardware import finisher, keep_memory, pick_device, set_threads
from vla_ros.models.solvers import SOLVERS

_STAGE_NAMES = {"sensor": "sensor_encode", "robot_states": "state_encode"}


class PolicyModules(nn.Module):
    """All that `model.safetensors` holds: the encoders, and an expert for each inputs and head."""

    def __init__(self, config: PolicyConfig) -> None:
        """Make all modules that the configuration describes."""
        super().__init__()
        described = [name for name in INPUTS if getattr(config, name) is not None]
        self.encoders = nn.ModuleDict({n: WindowEncoder(config.window(n)) for n in described})
        self.experts = nn.ModuleDict()
        for inputs in config.input_sets:
            heads = {head: EXPERTS[head](config, inputs) for head in config.heads}
            self.experts[expert_name(inputs)] = nn.ModuleDict(heads)


@dataclass(frozen=True, slots=True)
class ActionResult:
    """What one tick computed."""

    chunk: NDArray[np.float32]  # (horizon, dim), within the configuration's limits
    stages: tuple[Stage, ...]  # sensor_encode and state_encode if used, action


class Actor:
    """One expert with the encoders of its inputs, ready to be asked once a tick."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        model_id: str,
        head: str,
        inputs: tuple[str, ...],
        device: torch.device,
        seed: int,
        compiled: str = "auto",
    ) -> None:
        """Load the weights; see `load_actor`."""
        self.config = checkpoint.config
        self.model_id = model_id
        self.head = head
        self.inputs = inputs
        self.device = device
        self._encoders, self._expert = _loaded(checkpoint, head, inputs, device)
        self._max_delta = torch.tensor(self.config.max_delta, device=device)
        self._noise = torch.Generator().manual_seed(seed)
        self._compiled = compiled
        self._encode: dict[str, Callable[..., Tensor]] = dict(self._encoders.items())
        self._decode: Callable[..., Tensor] = self._raw
        self._features: NDArray[np.float32] | None = None
        self._prepared: Tensor | None = None

    @torch.inference_mode()
    def act(
        self,
        features: NDArray[np.float32],
        sensor: NDArray[np.float32] | None = None,
        state: NDArray[np.float32] | None = None,
    ) -> ActionResult:
        """Return a chunk of actions.

        Args:
            features: such as the pooling makes, see `PolicyConfig.features_shape`. What depends on
                them alone is kept until they change.
            sensor: the newest samples (window, channels), oldest first; None if not used.
            state: the newest robot states (window, channels), oldest first; None if not used.

        Raises:
            MessageError: an input is missing, not used by this policy, or of another shape.
        """
        timer = StageTimer(finisher(self.device))
        rest = {}
        for name, window in zip(INPUTS, (sensor, state), strict=True):
            if self._checked(name, window):
                with timer(_STAGE_NAMES[name]):
                    rest[name] = self._encode[name](self._tensor(window))
        with timer("action"):
            chunk = self._chunk(features, rest)
        return ActionResult(chunk, tuple(timer.stages))

    def use_solver(self, name: str, steps: int) -> None:
        """Let a flow head integrate with this solver in this many steps."""
        if isinstance(self._expert, FlowExpert):
            self._expert.use_solver(name, steps)

    def make_inputs(self, joints: Sequence[str]) -> PolicyInputs:
        """Return empty inputs of this policy's sizes; `joints` orders a JointState."""
        rings = {}
        for name in self.inputs:
            window = self.config.window(name)
            rings[name] = SampleRing(window.window, window.channels)
        rate_hz = self.config.window("sensor").rate_hz if "sensor" in rings else 0.0
        return PolicyInputs(rings.get("sensor"), rings.get("robot_states"), joints, rate_hz)

    def warm_up(self) -> None:
        """Run on zeros, so that the first real tick is as fast as the others.

        What a tick does is captured on CUDA and replayed from then on, or compiled on a CPU.
        """
        windows = {name: self.config.window(name) for name in self.inputs}
        zeros = {n: np.zeros((w.window, w.channels), np.float32) for n, w in windows.items()}
        before = self._noise.get_state()
        features = np.zeros([size or 1 for size in self.config.features_shape], np.float32)
        self.act(features, zeros.get("sensor"), zeros.get("robot_states"))
        self._noise.set_state(before)
        self._capture(features, zeros)

    @torch.inference_mode()
    def _capture(
        self, features: NDArray[np.float32], windows: dict[str, NDArray[np.float32]]
    ) -> None:
        rest = []
        for name, window in windows.items():
            example = self._tensor(window)
            self._encode[name] = self._faster(self._encoders[name], example)
            rest.append(self._encoders[name](example))
        shape = (1, self.config.horizon, self.config.action_dim)
        noise = torch.zeros(shape, device=self.device)
        self._decode = self._faster(self._raw, self._prepare(features), noise, *rest)

    def _faster(self, function: Callable[..., Tensor], *examples: Tensor) -> Callable[..., Tensor]:
        """Return the function as `compiled` has it, ready for tensors of these sizes."""
        if self.device.type == "cuda":
            return function if self._compiled == "off" else captured(function, *examples)
        if self._compiled != "on":
            return function
        compiled = OrPlain(function)
        compiled(*examples)
        return compiled

    def _raw(self, prepared: Tensor, noise: Tensor, *rest: Tensor) -> Tensor:
        return self._expert.decode(prepared, dict(zip(self.inputs, rest, strict=True)), noise)

    def _chunk(self, features: NDArray[np.float32], rest: dict[str, Tensor]) -> NDArray[np.float32]:
        shape = (1, self.config.horizon, self.config.action_dim)
        noise = torch.randn(shape, generator=self._noise).to(self.device)
        raw = self._decode(self._prepare(features), noise, *rest.values())
        return bounded(raw[0], self._max_delta, self.config.gripper).cpu().numpy()

    def _prepare(self, features: NDArray[np.float32]) -> Tensor:
        if self._prepared is None or not np.array_equal(features, self._features):  # type: ignore[arg-type]
            self.config.check_features(features.shape)
            self._features = features.copy()
            self._prepared = self._expert.prepare(self._tensor(self._features))
        return self._prepared

    def _checked(self, name: str, window: NDArray[np.float32] | None) -> bool:
        """Return whether the input is there to be used, or raise if it should not be as it is."""
        if (window is not None) != (name in self.inputs):
            uses = ", ".join(("features", *self.inputs))
            state = "missing" if window is None else "given"
            raise MessageError(f"{name} is {state}, but this policy was loaded to use {uses}")
        if window is None:
            return False
        config = self.config.window(name)
        if window.shape != (config.window, config.channels):
            raise MessageError(
                f"{name} has the shape {window.shape}; model {self.model_id} wants "
                f"({config.window}, {config.channels})"
            )
        return True

    def _tensor(self, array: NDArray[np.float32] | None) -> Tensor:
        """Return the array as a batch of one on the device."""
        return torch.from_numpy(np.ascontiguousarray(array, np.float32))[None].to(self.device)


def load_actor(
    checkpoint_dir: Path,
    head: str = "regression",
    *,
    use_sensor: bool = True,
    use_robot_states: bool = True,
    device: str = "auto",
    seed: int = 0,
    threads: int = 1,
    flow_solver: str = "euler",
    flow_steps: int = 0,
    compiled: str = "auto",
) -> Actor:
    """Load the action side of a checkpoint; the vision-language model is not loaded.

    Args:
        checkpoint_dir: the checkpoint's folder.
        head: regression or flow.
        use_sensor: take the expert that was trained with the sensor, or one without.
        use_robot_states: likewise for the robot states.
        device: auto, cpu, cuda or cuda:N.
        seed: of the noise that flow matching starts from; the same seed gives the same actions.
        threads: how many threads torch may use in this process; 0 leaves its own choice. One is
            nearly as fast for a batch of one, and does not wait for a second core that is busy:
            measured beside other work, 3 ms at most with one, up to 220 ms with two.
        flow_solver: euler or rk4, of the flow head; rk4 asks for four velocities a step.
        flow_steps: of the flow head; 0 for the checkpoint's number.
        compiled: off; on: CUDA graphs, or torch.compile on a CPU; auto: on with CUDA only, since
            a CPU gains a seventh at most and compiles for half a minute at each first start.

    Raises:
        CheckpointError: the checkpoint is not sound, or has no expert for this head and inputs.
        ParameterError: there is no such device here, no such solver or no such `compiled`.
    """
    check_compiled(compiled)
    if flow_solver not in SOLVERS or flow_steps < 0:
        raise ParameterError(
            f"flow_solver is {flow_solver!r} in {flow_steps} steps; {' or '.join(SOLVERS)} in 1 or "
            "more (0: the checkpoint's number) is allowed"
        )
    set_threads(threads)
    keep_memory()
    checkpoint = open_checkpoint(checkpoint_dir)
    config = checkpoint.config
    if head not in config.heads:
        has = ", ".join(config.heads)
        raise CheckpointError(f"{checkpoint_dir} has no head {head!r}; it has: {has}")
    switches = zip(INPUTS, (use_sensor, use_robot_states), strict=True)
    inputs = tuple(name for name, used in switches if used)
    if inputs not in config.input_sets:
        has = ", ".join(map(expert_name, config.input_sets))
        raise CheckpointError(
            f"{checkpoint_dir} has no expert for {expert_name(inputs)} (use_sensor is "
            f"{use_sensor}, use_robot_states is {use_robot_states}); it has experts for: {has}"
        )
    where = pick_device(device)
    actor = Actor(checkpoint, checkpoint.model_id(), head, inputs, where, seed, compiled)
    actor.use_solver(flow_solver, flow_steps or config.flow_steps)
    return actor


def _loaded(
    checkpoint: Checkpoint, head: str, inputs: tuple[str, ...], device: torch.device
) -> tuple[nn.ModuleDict, Expert]:
    """Return the encoders of the inputs and the expert, weights loaded."""
    with torch.device("meta"):
        whole = PolicyModules(checkpoint.config)
    expert = f"experts.{expert_name(inputs)}.{head}."
    prefixes = tuple(f"encoders.{name}." for name in inputs) + (expert,)
    tensors = load_strict(checkpoint.tensor_file, whole, lambda name: name.startswith(prefixes))
    whole.load_state_dict(tensors, strict=False, assign=True)  # load_strict has compared all names
    encoders = nn.ModuleDict({name: whole.encoders[name] for name in inputs})
    module = cast(Expert, whole.get_submodule(expert[:-1]))
    for name, tensor in tensors.items():
        if name.endswith(".std") and not (tensor > 0).all():
            raise CheckpointError(f"{checkpoint.tensor_file}: {name} has values not above 0")
    return encoders.to(device).eval(), module.to(device).eval()
