import CPlatform
import Glibc

/// What this process may use, and where that was read.
struct MachineResources: Sendable, Hashable {
  /// At least 1.
  var cores: Int
  var coresSource: String
  /// Bytes that the process may use in all, before a share of it is taken.
  var memory: Int
  var memorySource: String

  /// - Parameters:
  ///   - files: the machine's file system.
  ///   - affinity: cores in the process's affinity mask.
  init(files: MachineFiles = MachineFiles(), affinity: Int = Self.affinity()) {
    let group = ControlGroup(files)
    // A part of a core still needs a thread: 1.5 cores are used by two.
    if let limit = group.cores, Int(limit.value.rounded(.up)) < affinity {
      cores = max(1, Int(limit.value.rounded(.up)))
      coresSource = limit.path
    } else {
      cores = max(1, affinity)
      coresSource = "affinity mask"
    }
    let machine = Self.machineMemory(files)
    if let limit = group.memory, machine.map({ limit.value < $0 }) ?? true {
      memory = limit.value
      memorySource = limit.path
    } else if let machine {
      memory = machine
      memorySource = "/proc/meminfo"
    } else {
      memory = 1 << 30
      memorySource = "a guess, for want of /proc/meminfo"
    }
  }

  init(cores: Int, coresSource: String, memory: Int, memorySource: String) {
    self.cores = cores
    self.coresSource = coresSource
    self.memory = memory
    self.memorySource = memorySource
  }

  /// Cores in the affinity mask of this process.
  static func affinity() -> Int {
    let count = Int(platform_affinity_count())
    return count > 0 ? count : max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
  }

  /// "MemTotal:       24689764 kB".
  private static func machineMemory(_ files: MachineFiles) -> Int? {
    for line in (files.text("/proc/meminfo") ?? "").split(separator: "\n") where line.hasPrefix("MemTotal:") {
      let words = line.split(separator: " ")
      guard words.count == 3, words[2] == "kB", let kibibytes = Int(words[1]) else { return nil }
      return kibibytes * 1024
    }
    return nil
  }
}
