// swift-tools-version: 6.0
import PackageDescription

let package = Package(
  name: "volley",
  products: [
    .executable(name: "volley-host", targets: ["volley-host"])
  ],
  dependencies: [
    .package(path: "sdk")
  ],
  targets: [
    // Floor 0
    .target(name: "CPlatform"),
    .target(name: "Base", dependencies: ["CPlatform"]),
    // RocksDB's C interface, and what it lacks.
    .systemLibrary(name: "CRocksDB", pkgConfig: "rocksdb", providers: [.apt(["librocksdb-dev"])]),
    .target(name: "CRocksMemory", dependencies: ["CRocksDB"]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CNGHTTP2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
    // The SDK's files as bytes, for `volley-host new`; deploy/embed-sdk.sh writes their list.
    .target(name: "CSDKArchive"),
    // Floor 1a: what others of floor 1 write dates with.
    .target(name: "Calendar", dependencies: ["Base", plan]),
    // Floor 1
    .target(name: "Arrow", dependencies: ["Base", "Calendar", "CPlatform", plan, abi]),
    .target(name: "Observability", dependencies: ["Base", "Calendar", plan]),
    .target(name: "Networking", dependencies: ["Base", "CNGHTTP2", "COpenSSL", "CPlatform"]),
    .target(name: "Sketches", dependencies: ["Base"]),
    .target(name: "Text", dependencies: ["Base", "CPlatform"]),
    // Floor 1b: of floor 1, but over Arrow, whose columns it hashes and encodes.
    .target(name: "Keys", dependencies: ["Arrow", "Base", plan]),
    // Floor 2
    .target(
      name: "Expressions", dependencies: ["Arrow", "Base", "Calendar", "CPlatform", "Keys", "Sketches", "Text", plan]),
    .target(
      name: "State",
      dependencies: ["Arrow", "Base", "CPlatform", "CRocksDB", "CRocksMemory", "Keys", plan]),
    .target(name: "Flight", dependencies: ["Arrow", "Base", "Networking", plan]),
    // Floor 3
    .target(name: "Dataflow", dependencies: ["Arrow", "Base", "CPlatform", "Observability", "State", plan]),
    .target(name: "Checkpointing", dependencies: ["Base", "Keys", plan]),
    // Floor 4
    .target(
      name: "Operators",
      dependencies: [
        "Arrow", "Base", "Calendar", "CPlatform", "Dataflow", "Expressions", "Keys", "Observability", "Sketches",
        "State", plan,
      ]),
    .target(
      name: "Connectors",
      dependencies: [
        "Arrow", "Base", "Calendar", "CPlatform", "Dataflow", "Flight", "Keys", "Networking", "Observability", "Text",
        plan,
      ]),
    // Floor 5
    .target(
      name: "Planning",
      dependencies: [
        "Arrow", "Base", "Calendar", "Connectors", "Dataflow", "Expressions", "Keys", "Observability", "Operators",
        "State", plan,
      ]),
    .target(
      name: "PluginLoading",
      dependencies: ["Arrow", "Base", "CPlatform", "Dataflow", "Expressions", "Observability", "Operators", plan, abi]),
    // Floor 7
    .target(
      name: "Host",
      dependencies: [
        "Arrow", "Base", "CPlatform", "CSDKArchive", "Checkpointing", "Connectors", "Dataflow",
        "Expressions", "Flight", "Keys", "Networking", "Observability", "Operators", "Planning", "PluginLoading",
        "State", plan, abi,
      ]),
    // Floor 8
    .executableTarget(
      name: "volley-host", dependencies: ["Host"],
      // A plugin looks for what it needs in the program first: the host shows nothing of its own.
      linkerSettings: [.unsafeFlags(["-Xlinker", "--no-export-dynamic"])]),
    // Tests, one target a room
    .testTarget(name: "VolleyPlanTests", dependencies: ["TestSupport", plan], exclude: ["plan.schema"]),
    .testTarget(
      name: "VolleyTests",
      dependencies: [
        "Arrow", "ArrowTestSupport", "CPlatform", "TestSupport", .product(name: "Volley", package: "sdk"), plan, abi,
      ]),
    .testTarget(name: "CalendarTests", dependencies: ["Base", "Calendar", "TestSupport", plan]),
    .testTarget(
      name: "ArrowTests", dependencies: ["Arrow", "ArrowTestSupport", "Base", "Calendar", "TestSupport", plan, abi]),
    .testTarget(
      name: "KeysTests", dependencies: ["Arrow", "ArrowTestSupport", "Base", "Keys", "TestSupport", plan],
      exclude: ["Vectors"]),
    .testTarget(name: "BaseTests", dependencies: ["Base", "TestSupport"]),
    .testTarget(
      name: "NetworkingTests", dependencies: ["Base", "Networking", "TestSupport"], exclude: ["Client/server.py"]),
    .testTarget(
      name: "FlightTests",
      dependencies: ["Arrow", "ArrowTestSupport", "Base", "Flight", "Networking", "TestSupport", plan],
      exclude: ["Peers"]),
    .testTarget(name: "SketchesTests", dependencies: ["Base", "Sketches", "TestSupport"], exclude: ["Vectors"]),
    .testTarget(name: "TextTests", dependencies: ["Base", "TestSupport", "Text", plan]),
    .testTarget(name: "ObservabilityTests", dependencies: ["Base", "Observability", "TestSupport", plan]),
    .testTarget(
      name: "ExpressionsTests",
      dependencies: ["Arrow", "ArrowTestSupport", "Base", "Expressions", "TestSupport", plan],
      exclude: ["Differences/Differences.md"]),
    .testTarget(
      name: "StateTests",
      dependencies: ["Arrow", "ArrowTestSupport", "Base", "Keys", "State", "TestSupport", plan],
      exclude: ["Store/Vectors"]),
    .testTarget(
      name: "DataflowTests",
      dependencies: ["Arrow", "Base", "Dataflow", "Observability", "State", "TestSupport", plan]),
    .testTarget(
      name: "CheckpointingTests",
      dependencies: ["Base", "Checkpointing", "DurabilityTestSupport", "TestSupport", plan]),
    .testTarget(
      name: "OperatorsTests",
      dependencies: [
        "Arrow", "Base", "Dataflow", "Expressions", "Keys", "Observability", "Operators", "State", "TestSupport", plan,
      ]),
    .testTarget(
      name: "ConnectorsTests",
      dependencies: [
        "Arrow", "ArrowTestSupport", "Base", "Calendar", "Connectors", "Dataflow", "DurabilityTestSupport", "Flight",
        "Networking", "Observability", "TestSupport", plan,
      ], exclude: ["Flight/Peers"]),
    .testTarget(
      name: "PlanningTests",
      dependencies: [
        "Arrow", "Base", "Connectors", "Dataflow", "Expressions", "Observability", "Operators", "Planning", "State",
        "TestSupport",
        .product(name: "Volley", package: "sdk"), plan,
      ]),
    .testTarget(
      name: "PluginLoadingTests",
      dependencies: [
        "Arrow", "Base", "CPlatform", "Dataflow", "Expressions", "Observability", "Operators", "Planning",
        "PluginLoading", "State", "TestSupport",
        .product(name: "Volley", package: "sdk"), plan, abi,
      ]),
    .testTarget(
      name: "HostTests",
      dependencies: [
        "Arrow", "Base", "Checkpointing", "Dataflow", "DurabilityTestSupport", "Flight", "Host", "Networking",
        "Observability", "Planning", "TestSupport", "volley-host", plan, abi,
        .product(name: "VolleyTesting", package: "sdk"),
      ],
      exclude: ["Peers"]),
    .testTarget(
      name: "AllocationTests",
      dependencies: ["AllocationCounter", "Arrow", "Base", "Connectors", "Expressions", plan]),
    // Counts the calls of malloc in the whole test program.
    .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
    // Stands before fsync in the whole test program.
    .target(name: "SyncWatch", path: "Tests/SyncWatch"),
    // Disks that forget what was not synced.
    .target(
      name: "DurabilityTestSupport", dependencies: ["Base", "Checkpointing", "SyncWatch", "TestSupport"],
      path: "Tests/DurabilityTestSupport"),
    // What several test targets use: a seeded generator, python peers, temporary folders.
    .target(name: "TestSupport", dependencies: ["Base"], path: "Tests/TestSupport"),
    // Random columns of every type, and pyarrow in the test's own process.
    .target(
      name: "ArrowTestSupport", dependencies: ["Arrow", "TestSupport", plan, abi], path: "Tests/ArrowTestSupport"),
  ],
  // RocksDB's headers need it.
  cxxLanguageStandard: .cxx17
)

var plan: Target.Dependency { .product(name: "VolleyPlan", package: "sdk") }
var abi: Target.Dependency { .product(name: "CVolley", package: "sdk") }
