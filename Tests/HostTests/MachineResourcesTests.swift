import TestSupport
import Testing

@testable import Host

@Suite struct MachineResourcesTests {
  /// A machine of files: 8 cores, 16 GiB.
  private func machine(_ files: [String: String]) -> TemporaryFolder {
    let folder = TemporaryFolder()
    var all = ["proc/meminfo": "MemTotal:       16777216 kB\nMemFree:  1 kB\n"]
    all.merge(files) { _, new in new }
    for (path, content) in all {
      let parent = path.split(separator: "/").dropLast().joined(separator: "/")
      _ = TestProcess.run(["mkdir", "-p", folder.file(parent)])
      folder.write(path, content)
    }
    return folder
  }

  private func resources(_ files: [String: String], affinity: Int = 8) -> MachineResources {
    let folder = machine(files)
    return MachineResources(files: MachineFiles(root: folder.path), affinity: affinity)
  }

  private let unified = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
  private let divided = """
    31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
    32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
    35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory

    """

  @Test("without control groups the affinity mask and the machine's memory count")
  func bare() {
    #expect(
      resources([:])
        == MachineResources(cores: 8, coresSource: "affinity mask", memory: 16 << 30, memorySource: "/proc/meminfo"))
  }

  @Test("version 2: the group's limits count")
  func version2() {
    let found = resources([
      "proc/self/mountinfo": unified, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "200000 100000\n",
      "sys/fs/cgroup/memory.max": "1073741824\n",
    ])
    #expect(
      found
        == MachineResources(
          cores: 2, coresSource: "/sys/fs/cgroup/cpu.max", memory: 1 << 30, memorySource: "/sys/fs/cgroup/memory.max"))
  }

  @Test("version 2: the smallest limit on the way up counts")
  func version2Nested() {
    let found = resources([
      "proc/self/mountinfo": unified, "proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/cpu.max": "max 100000\n",
      "sys/fs/cgroup/a/cpu.max": "300000 100000\n", "sys/fs/cgroup/a/b/memory.max": "8589934592\n",
      "sys/fs/cgroup/a/memory.max": "4294967296\n",
    ])
    #expect(found.cores == 3)
    #expect(found.coresSource == "/sys/fs/cgroup/a/cpu.max")
    #expect(found.memory == 4 << 30)
    #expect(found.memorySource == "/sys/fs/cgroup/a/memory.max")
  }

  @Test("version 2: 'max' is no limit")
  func version2Unlimited() {
    let found = resources([
      "proc/self/mountinfo": unified, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n",
      "sys/fs/cgroup/memory.max": "max\n",
    ])
    #expect(found.coresSource == "affinity mask")
    #expect(found.memorySource == "/proc/meminfo")
  }

  @Test("version 1: quota over period, and the memory limit")
  func version1() {
    let found = resources([
      "proc/self/mountinfo": divided,
      "proc/self/cgroup": "9:name=systemd:/x\n4:memory:/job\n1:cpu,cpuacct:/job\n0::/\n",
      "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "150000\n",
      "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000\n",
      "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
      "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
      "sys/fs/cgroup/memory/job/memory.limit_in_bytes": "2147483648\n",
      "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
    ])
    #expect(found.cores == 2, "1.5 cores are used by two threads")
    #expect(found.coresSource == "/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us")
    #expect(found.memory == 2 << 30)
    #expect(found.memorySource == "/sys/fs/cgroup/memory/job/memory.limit_in_bytes")
  }

  @Test("version 1: in a container the mount's top is the process's own group")
  func version1Container() {
    let mounts = """
      32 31 0:29 /docker/abc /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu
      35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory

      """
    let found = resources([
      "proc/self/mountinfo": mounts, "proc/self/cgroup": "4:memory:/docker/abc\n1:cpu:/docker/abc\n",
      "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "400000\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
      "sys/fs/cgroup/memory/memory.limit_in_bytes": "536870912\n",
    ])
    #expect(found.cores == 4)
    #expect(found.memory == 512 << 20)
  }

  @Test("the affinity mask counts when it is smaller than the quota")
  func affinity() {
    let files = [
      "proc/self/mountinfo": unified, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "400000 100000\n",
    ]
    #expect(resources(files, affinity: 2).cores == 2)
    #expect(resources(files, affinity: 2).coresSource == "affinity mask")
  }

  @Test("a small part of a core is still one thread")
  func smallQuota() {
    let files = [
      "proc/self/mountinfo": unified, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "5000 100000\n",
    ]
    #expect(resources(files).cores == 1)
  }

  @Test("a group's limit above the machine's memory is none")
  func looseLimit() {
    let files = [
      "proc/self/mountinfo": unified, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "99999999999999\n",
    ]
    #expect(resources(files).memorySource == "/proc/meminfo")
  }

  @Test(
    "damaged files are read as if they were not there",
    arguments: ["", "\n", "max", "100000", "100000 0", "x y", "-5 100000", "100000 x"])
  func damaged(text: String) {
    let files = [
      "proc/self/mountinfo": unified + "\nnonsense\n1 2 3\n - \n", "proc/self/cgroup": "0::/\nnonsense\n",
      "sys/fs/cgroup/cpu.max": text, "sys/fs/cgroup/memory.max": text == "100000" ? "x" : text,
    ]
    #expect(resources(files).coresSource == "affinity mask")
    #expect(resources(files.filter { $0.key != "sys/fs/cgroup/memory.max" }).memorySource == "/proc/meminfo")
  }

  @Test("this machine has a core and memory")
  func here() {
    let here = MachineResources()
    #expect(here.cores >= 1)
    #expect(here.memory > 64 << 20)
    let nproc = TestProcess.run(["nproc"], environment: ["OMP_NUM_THREADS": "", "OMP_THREAD_LIMIT": ""])
    #expect(Int(nproc.output.filter(\.isNumber)) == MachineResources.affinity())
  }

  @Test("the limit is a share of what was found, or what was given")
  func limits() {
    let machine = MachineResources(cores: 1, coresSource: "x", memory: 1000 << 20, memorySource: "m")
    #expect(MemoryLimit.percent(80).resolved(on: machine).bytes == 800 << 20)
    #expect(MemoryLimit.percent(80).resolved(on: machine).source == "80% of 1000.0 MiB, m")
    #expect(MemoryLimit.bytes(5 << 30).resolved(on: machine).bytes == 5 << 30)
    #expect(MemoryLimit.percent(1).resolved(on: machine).bytes == MemoryLimit.smallest)
  }
}
