"""How smooth the commands were, over the whole run."""

from typing import TYPE_CHECKING

import numpy as np

from vla_ros.data.run_log import VELOCITY, RunLog
from vla_ros.report.motion import derivatives
from vla_ros.report.plot_style import BLUE, GREEN, PURPLE, name_colours, new_figure, styled
from vla_ros.report.plot_timeline import curve, shade_modes, thinned

if TYPE_CHECKING:  # matplotlib takes half a second to import, and only a report needs it
    from matplotlib.figure import Figure


@styled()
def motion(log: RunLog) -> "Figure | None":
    """Draw acceleration, jerk and the seams between chunks; None where twists tell of neither."""
    times_s = log.commands["t_s"]
    if len(times_s) < 3 or not np.isfinite(log.commands[VELOCITY[0]]).any():
        return None
    changes, jolts = derivatives(log, float(np.median(np.diff(times_s))))
    figure = new_figure(5.2)
    acceleration, jerk, seams = figure.subplots(3, 1, sharex=True)
    curve(acceleration, times_s[1:], np.linalg.norm(changes[:, :3], axis=1), GREEN)
    acceleration.set_ylabel("acceleration\n[m/s²]")
    curve(jerk, times_s[2:], np.linalg.norm(jolts[:, :3], axis=1), BLUE)
    jerk.set_ylabel("jerk\n[m/s³]")
    jumps = thinned(log.seams["t_s"], log.seams["linear"] * 1e3)
    seams.plot(*jumps, ".", color=PURPLE, markersize=3)
    seams.set_ylabel("velocity jump of\na new chunk [mm/s]")
    seams.set_xlabel("time since the first message [s]")
    seams.set_xlim(0.0, max(log.duration_s, 1e-3))
    for axes in (acceleration, jerk, seams):
        modes = shade_modes(axes, log)
        name_colours(axes, modes if axes is acceleration else {})
        axes.set_ylim(bottom=0.0)
        axes.grid()
    return figure
