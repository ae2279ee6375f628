/* bits32 CHANNEL: a 32-bit process. No library: a machine that can compile for 32 bits need not have a 32-bit libc. It says "ready" into CHANNEL/answers, and
 * sleeps; when CHANNEL is gone, it ends. Any command is answered "ok bits32". */
static int call(int number, int a, int b, int c)
{
    int result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
    return result;
}

static int length_of(const char *text)
{
    int length = 0;
    while (text[length])
        length++;
    return length;
}

static char path[600];
static const char *in(const char *directory, const char *name)
{
    int at = 0;
    while (*directory)
        path[at++] = *directory++;
    path[at++] = '/';
    while (*name)
        path[at++] = *name++;
    path[at] = 0;
    return path;
}

static void answer(const char *directory, const char *text)
{
    int file = call(5, (int)in(directory, "answers"), 02101, 0600); /* open: O_WRONLY | O_CREAT | O_APPEND */
    call(4, file, (int)text, length_of(text));                        /* write */
    call(6, file, 0, 0);                                              /* close */
}

static void run(char **argv)
{
    const char *directory = argv[1];
    answer(directory, "ready\n");
    for (;;) {
        int moment[2] = {0, 5000000};
        call(162, (int)moment, 0, 0); /* nanosleep */
        if (call(33, (int)in(directory, "command"), 0, 0) == 0) { /* access */
            call(10, (int)in(directory, "command"), 0, 0);        /* unlink */
            answer(directory, "ok bits32\n");
        } else if (call(33, (int)directory, 0, 0) != 0)
            call(1, 96, 0, 0); /* exit */
    }
}

__attribute__((naked, noreturn)) void _start(void)
{
    __asm__("mov %esp, %eax\n add $4, %eax\n and $-16, %esp\n sub $12, %esp\n push %eax\n call entry\n hlt");
}

__attribute__((used)) void entry(char **argv)
{
    run(argv);
}
