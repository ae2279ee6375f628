namespace Snap.Kernel.Abi;

/// <summary>Error numbers of errno.h.</summary>
[AbiConstants("errno.h")]
public enum Errno
{
    /// <summary>No error.</summary>
    None = 0,
    /// <summary>EPERM.</summary>
    EPERM = 1,
    /// <summary>ENOENT.</summary>
    ENOENT = 2,
    /// <summary>ESRCH.</summary>
    ESRCH = 3,
    /// <summary>EINTR.</summary>
    EINTR = 4,
    /// <summary>EIO.</summary>
    EIO = 5,
    /// <summary>ENXIO.</summary>
    ENXIO = 6,
    /// <summary>E2BIG.</summary>
    E2BIG = 7,
    /// <summary>ENOEXEC.</summary>
    ENOEXEC = 8,
    /// <summary>EBADF.</summary>
    EBADF = 9,
    /// <summary>ECHILD.</summary>
    ECHILD = 10,
    /// <summary>EAGAIN.</summary>
    EAGAIN = 11,
    /// <summary>ENOMEM.</summary>
    ENOMEM = 12,
    /// <summary>EACCES.</summary>
    EACCES = 13,
    /// <summary>EFAULT.</summary>
    EFAULT = 14,
    /// <summary>ENOTBLK.</summary>
    ENOTBLK = 15,
    /// <summary>EBUSY.</summary>
    EBUSY = 16,
    /// <summary>EEXIST.</summary>
    EEXIST = 17,
    /// <summary>EXDEV.</summary>
    EXDEV = 18,
    /// <summary>ENODEV.</summary>
    ENODEV = 19,
    /// <summary>ENOTDIR.</summary>
    ENOTDIR = 20,
    /// <summary>EISDIR.</summary>
    EISDIR = 21,
    /// <summary>EINVAL.</summary>
    EINVAL = 22,
    /// <summary>ENFILE.</summary>
    ENFILE = 23,
    /// <summary>EMFILE.</summary>
    EMFILE = 24,
    /// <summary>ENOTTY.</summary>
    ENOTTY = 25,
    /// <summary>ETXTBSY.</summary>
    ETXTBSY = 26,
    /// <summary>EFBIG.</summary>
    EFBIG = 27,
    /// <summary>ENOSPC.</summary>
    ENOSPC = 28,
    /// <summary>ESPIPE.</summary>
    ESPIPE = 29,
    /// <summary>EROFS.</summary>
    EROFS = 30,
    /// <summary>EMLINK.</summary>
    EMLINK = 31,
    /// <summary>EPIPE.</summary>
    EPIPE = 32,
    /// <summary>EDOM.</summary>
    EDOM = 33,
    /// <summary>ERANGE.</summary>
    ERANGE = 34,
    /// <summary>EDEADLK.</summary>
    EDEADLK = 35,
    /// <summary>ENAMETOOLONG.</summary>
    ENAMETOOLONG = 36,
    /// <summary>ENOLCK.</summary>
    ENOLCK = 37,
    /// <summary>ENOSYS.</summary>
    ENOSYS = 38,
    /// <summary>ENOTEMPTY.</summary>
    ENOTEMPTY = 39,
    /// <summary>ELOOP.</summary>
    ELOOP = 40,
    /// <summary>ENOMSG.</summary>
    ENOMSG = 42,
    /// <summary>EIDRM.</summary>
    EIDRM = 43,
    /// <summary>ECHRNG.</summary>
    ECHRNG = 44,
    /// <summary>EL2NSYNC.</summary>
    EL2NSYNC = 45,
    /// <summary>EL3HLT.</summary>
    EL3HLT = 46,
    /// <summary>EL3RST.</summary>
    EL3RST = 47,
    /// <summary>ELNRNG.</summary>
    ELNRNG = 48,
    /// <summary>EUNATCH.</summary>
    EUNATCH = 49,
    /// <summary>ENOCSI.</summary>
    ENOCSI = 50,
    /// <summary>EL2HLT.</summary>
    EL2HLT = 51,
    /// <summary>EBADE.</summary>
    EBADE = 52,
    /// <summary>EBADR.</summary>
    EBADR = 53,
    /// <summary>EXFULL.</summary>
    EXFULL = 54,
    /// <summary>ENOANO.</summary>
    ENOANO = 55,
    /// <summary>EBADRQC.</summary>
    EBADRQC = 56,
    /// <summary>EBADSLT.</summary>
    EBADSLT = 57,
    /// <summary>EBFONT.</summary>
    EBFONT = 59,
    /// <summary>ENOSTR.</summary>
    ENOSTR = 60,
    /// <summary>ENODATA.</summary>
    ENODATA = 61,
    /// <summary>ETIME.</summary>
    ETIME = 62,
    /// <summary>ENOSR.</summary>
    ENOSR = 63,
    /// <summary>ENONET.</summary>
    ENONET = 64,
    /// <summary>ENOPKG.</summary>
    ENOPKG = 65,
    /// <summary>EREMOTE.</summary>
    EREMOTE = 66,
    /// <summary>ENOLINK.</summary>
    ENOLINK = 67,
    /// <summary>EADV.</summary>
    EADV = 68,
    /// <summary>ESRMNT.</summary>
    ESRMNT = 69,
    /// <summary>ECOMM.</summary>
    ECOMM = 70,
    /// <summary>EPROTO.</summary>
    EPROTO = 71,
    /// <summary>EMULTIHOP.</summary>
    EMULTIHOP = 72,
    /// <summary>EDOTDOT.</summary>
    EDOTDOT = 73,
    /// <summary>EBADMSG.</summary>
    EBADMSG = 74,
    /// <summary>EOVERFLOW.</summary>
    EOVERFLOW = 75,
    /// <summary>ENOTUNIQ.</summary>
    ENOTUNIQ = 76,
    /// <summary>EBADFD.</summary>
    EBADFD = 77,
    /// <summary>EREMCHG.</summary>
    EREMCHG = 78,
    /// <summary>ELIBACC.</summary>
    ELIBACC = 79,
    /// <summary>ELIBBAD.</summary>
    ELIBBAD = 80,
    /// <summary>ELIBSCN.</summary>
    ELIBSCN = 81,
    /// <summary>ELIBMAX.</summary>
    ELIBMAX = 82,
    /// <summary>ELIBEXEC.</summary>
    ELIBEXEC = 83,
    /// <summary>EILSEQ.</summary>
    EILSEQ = 84,
    /// <summary>ERESTART.</summary>
    ERESTART = 85,
    /// <summary>ESTRPIPE.</summary>
    ESTRPIPE = 86,
    /// <summary>EUSERS.</summary>
    EUSERS = 87,
    /// <summary>ENOTSOCK.</summary>
    ENOTSOCK = 88,
    /// <summary>EDESTADDRREQ.</summary>
    EDESTADDRREQ = 89,
    /// <summary>EMSGSIZE.</summary>
    EMSGSIZE = 90,
    /// <summary>EPROTOTYPE.</summary>
    EPROTOTYPE = 91,
    /// <summary>ENOPROTOOPT.</summary>
    ENOPROTOOPT = 92,
    /// <summary>EPROTONOSUPPORT.</summary>
    EPROTONOSUPPORT = 93,
    /// <summary>ESOCKTNOSUPPORT.</summary>
    ESOCKTNOSUPPORT = 94,
    /// <summary>EOPNOTSUPP.</summary>
    EOPNOTSUPP = 95,
    /// <summary>EPFNOSUPPORT.</summary>
    EPFNOSUPPORT = 96,
    /// <summary>EAFNOSUPPORT.</summary>
    EAFNOSUPPORT = 97,
    /// <summary>EADDRINUSE.</summary>
    EADDRINUSE = 98,
    /// <summary>EADDRNOTAVAIL.</summary>
    EADDRNOTAVAIL = 99,
    /// <summary>ENETDOWN.</summary>
    ENETDOWN = 100,
    /// <summary>ENETUNREACH.</summary>
    ENETUNREACH = 101,
    /// <summary>ENETRESET.</summary>
    ENETRESET = 102,
    /// <summary>ECONNABORTED.</summary>
    ECONNABORTED = 103,
    /// <summary>ECONNRESET.</summary>
    ECONNRESET = 104,
    /// <summary>ENOBUFS.</summary>
    ENOBUFS = 105,
    /// <summary>EISCONN.</summary>
    EISCONN = 106,
    /// <summary>ENOTCONN.</summary>
    ENOTCONN = 107,
    /// <summary>ESHUTDOWN.</summary>
    ESHUTDOWN = 108,
    /// <summary>ETOOMANYREFS.</summary>
    ETOOMANYREFS = 109,
    /// <summary>ETIMEDOUT.</summary>
    ETIMEDOUT = 110,
    /// <summary>ECONNREFUSED.</summary>
    ECONNREFUSED = 111,
    /// <summary>EHOSTDOWN.</summary>
    EHOSTDOWN = 112,
    /// <summary>EHOSTUNREACH.</summary>
    EHOSTUNREACH = 113,
    /// <summary>EALREADY.</summary>
    EALREADY = 114,
    /// <summary>EINPROGRESS.</summary>
    EINPROGRESS = 115,
    /// <summary>ESTALE.</summary>
    ESTALE = 116,
    /// <summary>EUCLEAN.</summary>
    EUCLEAN = 117,
    /// <summary>ENOTNAM.</summary>
    ENOTNAM = 118,
    /// <summary>ENAVAIL.</summary>
    ENAVAIL = 119,
    /// <summary>EISNAM.</summary>
    EISNAM = 120,
    /// <summary>EREMOTEIO.</summary>
    EREMOTEIO = 121,
    /// <summary>EDQUOT.</summary>
    EDQUOT = 122,
    /// <summary>ENOMEDIUM.</summary>
    ENOMEDIUM = 123,
    /// <summary>EMEDIUMTYPE.</summary>
    EMEDIUMTYPE = 124,
    /// <summary>ECANCELED.</summary>
    ECANCELED = 125,
    /// <summary>ENOKEY.</summary>
    ENOKEY = 126,
    /// <summary>EKEYEXPIRED.</summary>
    EKEYEXPIRED = 127,
    /// <summary>EKEYREVOKED.</summary>
    EKEYREVOKED = 128,
    /// <summary>EKEYREJECTED.</summary>
    EKEYREJECTED = 129,
    /// <summary>EOWNERDEAD.</summary>
    EOWNERDEAD = 130,
    /// <summary>ENOTRECOVERABLE.</summary>
    ENOTRECOVERABLE = 131,
    /// <summary>ERFKILL.</summary>
    ERFKILL = 132,
    /// <summary>EHWPOISON.</summary>
    EHWPOISON = 133,
}
