// What a test's file needs of the modules below this one, so that `import VolleyTesting` is all it says.
@_exported import struct Volley.Timestamp
@_exported import enum VolleyPlan.JSONValue
