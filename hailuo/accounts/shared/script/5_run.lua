local results = {}
for number, operation in ipairs(ARGV) do
  local request = cjson.decode(operation)
  results[number] = cjson.encode(ops[request.op](request) or false)
end
return results
