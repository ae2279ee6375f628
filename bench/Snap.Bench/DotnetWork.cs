namespace Snap.Bench;

/// <summary>A .NET program at work, for an image of one: each line on stdin is a step.</summary>
internal static class DotnetWork
{
    public static int Run(int seed, int size)
    {
        var random = new Random(seed);
        var orders = new Dictionary<int, Order>();
        for (int i = 0; i < size; i++)
            orders[i] = Order.Make(i, random);
        double[] prices = [.. Enumerable.Range(0, size * 4).Select(_ => random.NextDouble())];
        Console.WriteLine("ready");
        while (Console.ReadLine() is not null)
        {
            for (int i = 0; i < size / 20; i++)
                orders[random.Next(size)].Lines.Add(random.NextDouble());
            int count = orders.Count;
            for (int i = 0; i < size / 50; i++)
                orders[count + i] = Order.Make(count + i, random);
            for (int i = 0; i < size / 5; i++)
                prices[random.Next(prices.Length)] *= 1.01;
            Console.WriteLine("ok");
        }
        return 0;
    }

    private sealed record Order(int Id, string Customer, List<double> Lines)
    {
        public static Order Make(int id, Random random) => new(id, $"customer {random.Next(1000)} of {random.NextInt64():x}", [random.NextDouble(), random.NextDouble()]);
    }
}
