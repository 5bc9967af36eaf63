import fcntl
import os
import subprocess
import sys

from vla_ros.core.shared_memory import clean


def segment(folder, name, size=1000, suffix="_el"):
    (folder / name).write_bytes(b"x" * size)
    lock = folder / (name + suffix)
    lock.touch()
    return lock


def test_what_nobody_holds_is_removed(tmp_path):
    segment(tmp_path, "fastrtps_0123abcd")
    segment(tmp_path, "fastrtps_port7413", suffix="_sl")
    segment(tmp_path, "fastdds_89abcdef")  # as Kilted's Fast DDS names them
    assert clean(tmp_path) == 3000
    assert list(tmp_path.iterdir()) == []


def test_what_a_process_holds_stays(tmp_path):
    lock = segment(tmp_path, "fastrtps_0123abcd")
    hold = "import fcntl,sys;f=open(sys.argv[1]);fcntl.flock(f,2);print('held',flush=True);input()"
    holder = subprocess.Popen(
        [sys.executable, "-c", hold, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        holder.stdout.readline()
        assert clean(tmp_path) == 0
        assert len(list(tmp_path.iterdir())) == 2
    finally:
        holder.kill()
        holder.wait()
    assert clean(tmp_path) == 1000


def test_a_shared_lock_is_a_hold_too(tmp_path):
    lock = segment(tmp_path, "fastrtps_port7410")
    handle = os.open(lock, os.O_RDWR)
    fcntl.flock(handle, fcntl.LOCK_SH)
    try:
        assert clean(tmp_path) == 0
    finally:
        os.close(handle)


def test_other_files_are_left_alone(tmp_path):
    for name in ("sem.fastrtps_port7410_mutex", "fastrtps_0123abcd", "mine_el", "fastrtps_zz_el"):
        (tmp_path / name).touch()
    assert clean(tmp_path) == 0
    assert len(list(tmp_path.iterdir())) == 4


def test_a_folder_that_is_not_there(tmp_path):
    assert clean(tmp_path / "absent") == 0
