// swift-tools-version: 6.0
import PackageDescription

// A package of its own: every file of the rooms is built with coverage and the address sanitizer, and the fuzzer's runtime
// has the loop. `Rooms` is a link to the repository's Sources.
let package = Package(
  name: "fuzz",
  dependencies: [.package(name: "sdk", path: "../../sdk")],
  targets: [
    room("CPlatform"),
    room("Base", "CPlatform"),
    room("Calendar", "Base", plan),
    .target(
      name: "Arrow", dependencies: ["Base", "Calendar", "CPlatform", plan, abi], path: "Rooms/Arrow",
      swiftSettings: [.define("UNPOOLED_BUFFERS")]),
    room("Observability", "Base", "Calendar", plan),
    room("Text", "Base", "CPlatform"),
    .systemLibrary(name: "COpenSSL", path: "Rooms/COpenSSL", pkgConfig: "openssl"),
    .systemLibrary(name: "CNGHTTP2", path: "Rooms/CNGHTTP2", pkgConfig: "libnghttp2"),
    room("Networking", "Base", "CNGHTTP2", "COpenSSL", "CPlatform"),
    room("Flight", "Arrow", "Base", "Networking", plan),
    room("Keys", "Arrow", "Base", plan),
    .systemLibrary(name: "CRocksDB", path: "Rooms/CRocksDB", pkgConfig: "rocksdb"),
    room("CRocksMemory", "CRocksDB"),
    room("State", "Arrow", "Base", "CPlatform", "CRocksDB", "CRocksMemory", "Keys", plan),
    room("Dataflow", "Arrow", "Base", "CPlatform", "Observability", "State", plan),
    room(
      "Connectors", "Arrow", "Base", "Calendar", "CPlatform", "Dataflow", "Flight", "Keys", "Networking",
      "Observability", "Text", plan),
    .executableTarget(
      name: "fuzz",
      dependencies: ["Arrow", "Base", "CPlatform", "Connectors", "Dataflow", "Flight", "Networking", "Text", plan],
      path: "Fuzz",
      swiftSettings: [.unsafeFlags(["-parse-as-library"])]),
  ],
  cxxLanguageStandard: .cxx17
)

func room(_ name: String, _ dependencies: Target.Dependency...) -> Target {
  .target(name: name, dependencies: dependencies, path: "Rooms/\(name)")
}

var plan: Target.Dependency { .product(name: "VolleyPlan", package: "sdk") }
var abi: Target.Dependency { .product(name: "CVolley", package: "sdk") }
