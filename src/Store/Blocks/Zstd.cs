// MARKED: one of the two files of the store with unsafe code (the other is Disk/PosixCalls.cs). ZstdSharp's safe classes have no prefix mode,
// and its dictionary mode copies and digests the base for every block; deltas against a page's previous version are the store's heart.
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Numerics;
using ZstdSharp.Unsafe;

namespace Snap.Store.Blocks;

/// <summary>zstd with an optional prefix. Frames are magicless and carry no content size, checksum or dictionary id: the record says all that.</summary>
/// <remarks>Contexts are rented by thread and given back; they hold native memory, so their number stays that of the threads.</remarks>
internal static unsafe class Zstd
{
    private const uint DictionaryMagic = 0xEC30A437;
    private static readonly ConcurrentBag<Context> _contexts = [];

    /// <summary>Bytes that <paramref name="length"/> bytes can grow to.</summary>
    public static int Bound(int length) => (int)Methods.ZSTD_compressBound((nuint)length);

    /// <summary>Compresses <paramref name="source"/>.</summary>
    /// <returns>Bytes written, or 0 if they would not fit.</returns>
    public static int Compress(ReadOnlySpan<byte> source, ReadOnlySpan<byte> prefix, Span<byte> into, int level)
    {
        Context context = Rent();
        ZSTD_CCtx_s* cctx = context.Compressor;
        // The default tables are sized by the source alone: a base of the same size then falls out of the window and its table,
        // and deltas grow up to 3.6 times. The window must hold both.
        int window = prefix.Length == 0 ? 0 : Math.Max(10, 32 - BitOperations.LeadingZeroCount((uint)(source.Length + prefix.Length - 1)));
        context.Prepare(level, window);
        fixed (byte* s = source, p = prefix, d = into)
        {
            if (prefix.Length > 0)
                Checked(Methods.ZSTD_CCtx_refPrefix(cctx, p, (nuint)prefix.Length));
            nuint written = Methods.ZSTD_compress2(cctx, d, (nuint)into.Length, s, (nuint)source.Length);
            Return(context);
            return Methods.ZSTD_isError(written) ? 0 : (int)written;
        }
    }

    /// <summary>Decompresses exactly <paramref name="into"/>.</summary>
    /// <returns>False if the bytes don't decode to just that many.</returns>
    public static bool TryDecompress(ReadOnlySpan<byte> source, ReadOnlySpan<byte> prefix, Span<byte> into)
    {
        Context context = Rent();
        ZSTD_DCtx_s* dctx = context.Decompressor;
        Checked(Methods.ZSTD_DCtx_reset(dctx, ZSTD_ResetDirective.ZSTD_reset_session_only));
        fixed (byte* s = source, p = prefix, d = into)
        {
            nuint read;
            if (IsDictionary(prefix))
            {
                Checked(Methods.ZSTD_DCtx_refPrefix(dctx, p, (nuint)prefix.Length));
                read = Methods.ZSTD_decompressDCtx(dctx, d, (nuint)into.Length, s, (nuint)source.Length);
            }
            else
            {
                // The same without the object that refPrefix allocates for each block.
                read = Methods.ZSTD_decompress_usingDict(dctx, d, (nuint)into.Length, s, (nuint)source.Length, p, (nuint)prefix.Length);
            }
            Return(context);
            return !Methods.ZSTD_isError(read) && read == (nuint)into.Length;
        }
    }

    /// <summary>True if a page happens to begin like a trained dictionary, which ZSTD_decompress_usingDict would take it for.</summary>
    private static bool IsDictionary(ReadOnlySpan<byte> prefix) =>
        prefix.Length >= sizeof(uint) && BinaryPrimitives.ReadUInt32LittleEndian(prefix) == DictionaryMagic;

    private static Context Rent() => _contexts.TryTake(out Context? context) ? context : new Context();

    private static void Return(Context context) => _contexts.Add(context);

    private static void Checked(nuint result)
    {
        if (Methods.ZSTD_isError(result))
            throw new InvalidOperationException($"zstd refused a setting: {Methods.ZSTD_getErrorName(result)}");
    }

    private sealed class Context
    {
        public readonly ZSTD_CCtx_s* Compressor = Methods.ZSTD_createCCtx();
        public readonly ZSTD_DCtx_s* Decompressor = Methods.ZSTD_createDCtx();
        private (int Level, int Window) _prepared = (int.MinValue, 0);

        public Context() => Checked(Methods.ZSTD_DCtx_setParameter(
            Decompressor, ZSTD_dParameter.ZSTD_d_experimentalParam1, (int)ZSTD_format_e.ZSTD_f_zstd1_magicless));

        /// <summary>Sets the parameters, unless they are those of the last time.</summary>
        /// <param name="level">zstd level.</param>
        /// <param name="window">log2 of the bytes of source and prefix; 0 = no prefix.</param>
        public void Prepare(int level, int window)
        {
            // A try that didn't fit leaves its session open.
            Checked(Methods.ZSTD_CCtx_reset(Compressor, ZSTD_ResetDirective.ZSTD_reset_session_only));
            if (_prepared == (level, window))
                return;
            Checked(Methods.ZSTD_CCtx_reset(Compressor, ZSTD_ResetDirective.ZSTD_reset_session_and_parameters));
            Set(ZSTD_cParameter.ZSTD_c_compressionLevel, level);
            Set(ZSTD_cParameter.ZSTD_c_experimentalParam2, (int)ZSTD_format_e.ZSTD_f_zstd1_magicless);
            Set(ZSTD_cParameter.ZSTD_c_contentSizeFlag, 0);
            Set(ZSTD_cParameter.ZSTD_c_checksumFlag, 0);
            Set(ZSTD_cParameter.ZSTD_c_dictIDFlag, 0);
            if (window > 0)
            {
                Set(ZSTD_cParameter.ZSTD_c_windowLog, window + 1);
                Set(ZSTD_cParameter.ZSTD_c_hashLog, Math.Max(12, window - 1));
            }
            _prepared = (level, window);
        }

        private void Set(ZSTD_cParameter parameter, int value) => Checked(Methods.ZSTD_CCtx_setParameter(Compressor, parameter, value));

        ~Context()
        {
            Methods.ZSTD_freeCCtx(Compressor);
            Methods.ZSTD_freeDCtx(Decompressor);
        }
    }
}
