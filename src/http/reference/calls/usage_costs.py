costs = client.admin.organization.usage.costs(start_time=1795305600)
print(costs.to_json())
