/// The limits that control groups put on this process (man 7 cgroups; Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst
/// of the kernel).
///
/// A limit may stand on the process's own group or on any group above it, so each hierarchy is walked up to its mount, and
/// the smallest limit counts.
struct ControlGroup: Sendable {
  /// A limit and the file that sets it.
  struct Limit<Value: Sendable & Hashable>: Sendable, Hashable {
    var value: Value
    var path: String
  }

  /// CPU time over wall time: 1.5 is one core and a half. Nil: no limit.
  let cores: Limit<Double>?
  /// Bytes. Nil: no limit.
  let memory: Limit<Int>?

  init(_ files: MachineFiles) {
    let memberships = Self.memberships(files.text("/proc/self/cgroup") ?? "")
    var cores: [Limit<Double>] = []
    var memory: [Limit<Int>] = []
    for mount in Self.mounts(files.text("/proc/self/mountinfo") ?? "") {
      for controller in mount.isUnified ? [""] : ["cpu", "memory"] where mount.controllers.contains(controller) {
        guard let group = memberships[controller] else { continue }
        for folder in mount.folders(upFrom: group) {
          if controller != "memory", let limit = Self.cores(folder, unified: mount.isUnified, files) {
            cores.append(limit)
          }
          if controller != "cpu", let limit = Self.memory(folder, unified: mount.isUnified, files) {
            memory.append(limit)
          }
        }
      }
    }
    self.cores = cores.min { $0.value < $1.value }
    self.memory = memory.min { $0.value < $1.value }
  }

  private static func cores(_ folder: String, unified: Bool, _ files: MachineFiles) -> Limit<Double>? {
    let path = unified ? "\(folder)/cpu.max" : "\(folder)/cpu.cfs_quota_us"
    let words = (files.text(path) ?? "").split(whereSeparator: \.isWhitespace)
    // No limit is "max" in version 2, -1 in version 1.
    guard let quota = words.first.flatMap({ Double($0) }), quota > 0 else { return nil }
    let period = unified ? words.dropFirst().first : files.word("\(folder)/cpu.cfs_period_us")
    guard let period = period.flatMap({ Double($0) }), period > 0 else { return nil }
    return Limit(value: quota / period, path: path)
  }

  private static func memory(_ folder: String, unified: Bool, _ files: MachineFiles) -> Limit<Int>? {
    let path = unified ? "\(folder)/memory.max" : "\(folder)/memory.limit_in_bytes"
    // No limit is "max" in version 2; in version 1 it is the largest whole number of pages.
    guard let bytes = files.word(path).flatMap({ Int($0) }), bytes > 0, bytes < 1 << 60 else { return nil }
    return Limit(value: bytes, path: path)
  }

  /// The process's group by controller; "" is the unified hierarchy. Lines are "id:controllers:path".
  private static func memberships(_ text: String) -> [String: String] {
    var groups: [String: String] = [:]
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      for controller in parts[1].split(separator: ",", omittingEmptySubsequences: false) {
        groups[String(controller)] = String(parts[2])
      }
    }
    return groups
  }

  /// A mounted hierarchy.
  private struct Mount {
    var isUnified: Bool
    /// [""] for the unified hierarchy.
    var controllers: [String]
    /// Where it is mounted.
    var point: String
    /// The group that the mount shows as its top: "/" but in a container without a namespace of its own for groups.
    var top: String

    /// The folder of a group, and of each group above it, up to the mount.
    func folders(upFrom group: String) -> [String] {
      var rest = group
      if top != "/" {
        // A group outside of what is mounted shows nothing but the top.
        rest = group == top || group.hasPrefix(top + "/") ? String(group.dropFirst(top.count)) : "/"
      }
      var names = rest.split(separator: "/")
      var folders: [String] = []
      while true {
        folders.append(([point] + names.map(String.init)).joined(separator: "/"))
        if names.isEmpty { return folders }
        names.removeLast()
      }
    }
  }

  /// Lines of mountinfo: "id parent major:minor root point options optional… - type source super-options".
  private static func mounts(_ text: String) -> [Mount] {
    text.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard let dash = words.firstIndex(of: "-"), dash >= 6, dash + 3 < words.count else { return nil }
      let type = words[dash + 1]
      guard type == "cgroup" || type == "cgroup2" else { return nil }
      return Mount(
        isUnified: type == "cgroup2",
        controllers: type == "cgroup2" ? [""] : words[dash + 3].split(separator: ",").map(String.init),
        point: String(words[4]), top: String(words[3]))
    }
  }
}
