local results = {}
for index = 2, #ARGV do
  local request = cjson.decode(ARGV[index])
  results[index - 1] = cjson.encode(ops[request.op](request) or false)
end
return results
