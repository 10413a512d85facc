const costs = await client.admin.organization.usage.costs({ start_time: 1795305600 });
console.log(JSON.stringify(costs, null, 2));
