-- The first line that fits is taken. Most tests name their flow themselves.
return {
    { to = "+14255550181", flow = "lost" },
    { to = "+1425555019*", flow = "rescued" },
    { from = "+4930*", flow = "bad" },
    { flow = "routed" },
}
