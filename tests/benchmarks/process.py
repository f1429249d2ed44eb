"""What Linux tells about a running process."""
import os

TICK = 1 / os.sysconf("SC_CLK_TCK")


def child_of(parent, program):
    """The pid of the process that `parent` runs `program` in."""
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            if int(_stat(entry)[1]) == parent and os.path.samefile(f"/proc/{entry}/exe", program):
                return int(entry)
        except OSError:
            pass  # it has ended
    raise LookupError(f"process {parent} does not run {program}")


def cpu_seconds(pid):
    """CPU time of all its threads so far."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat") as f:
            total += int(f.read().split()[0])
    return total / 1e9


def system_seconds(pid):
    """The part of it that the kernel used; in whole ticks."""
    return int(_stat(pid)[12]) * TICK


def resident_mib(pid):
    return _memory(pid, "VmRSS")


def peak_resident_mib(pid):
    return _memory(pid, "VmHWM")


def bytes_written(pid):
    """To all files, pipes and sockets so far."""
    with open(f"/proc/{pid}/io") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("wchar:"))


def _stat(pid):
    """The fields of /proc/pid/stat that follow the program's name, which may hold anything: state, parent, ..."""
    with open(f"/proc/{pid}/stat") as f:
        return f.read().rpartition(")")[2].split()


def _memory(pid, name):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith(name + ":")) / 1024
