// What an author's file needs of the modules below this one, so that `import Volley` is all it says.
@_exported import struct CVolley.volley_plugin
@_exported import enum VolleyPlan.DataType
@_exported import struct VolleyPlan.Field
@_exported import enum VolleyPlan.JSONValue
@_exported import enum VolleyPlan.TimeUnit
