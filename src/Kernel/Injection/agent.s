# The agent: what runs inside a target (AgentCode.cs holds the bytes; a test assembles this file and compares).
#   as agent.s -o agent.o && objcopy -O binary agent.o agent.bin
#
# Position independent. Touches no stack and no vector register. One entry, its arguments in registers:
#   rbx, r12   a table of calls, and how many: entries of 64 bytes nr, a0..a5, result
#   rbp, r13   a second table, for the calls behind the stop; a0 is the address of the value
#   r14        0; or, where nothing is writable yet, the bytes of memory to map (r-x): the very first call, its result in r15
.intel_syntax noprefix
.text

# Nothing of the target's may run on top of this code. The tracer has blocked all signals from outside, but it may have died before that.
  mov eax, 14                   # rt_sigprocmask(SIG_SETMASK, all but the stop signal)
  mov edi, 2
  lea rsi, [rip+own_mask]
  xor edx, edx
  mov r10d, 8
  syscall
  test r14, r14
  jnz boot
batch:
  test r12, r12
  jz stop
  mov rax, [rbx]
  mov rdi, [rbx+8]
  mov rsi, [rbx+16]
  mov rdx, [rbx+24]
  mov r10, [rbx+32]
  mov r8, [rbx+40]
  mov r9, [rbx+48]
  syscall
  mov [rbx+56], rax
  add rbx, 64
  dec r12
  jmp batch
boot:
  mov eax, 9                    # mmap(0, r14, PROT_READ|PROT_EXEC, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
  xor edi, edi
  mov rsi, r14
  mov edx, 5
  mov r10d, 0x22
  mov r8, -1
  xor r9d, r9d
  syscall
  mov r15, rax

# A traced thread stops at the signal. One that nobody traces any more doesn't notice it, and goes on.
stop:
  mov eax, 234                  # tgkill
  mov edi, [rip+pid]
  mov esi, [rip+tid]
  mov edx, [rip+sig]
  syscall

# From here on the tracer is dead: take back what the batch made, then heal.
after:
  test r13, r13
  jz unmap
  mov rax, [rbp]
  mov rdi, [rbp+8]
  mov rdi, [rdi]
  mov rsi, [rbp+16]
  mov rdx, [rbp+24]
  mov r10, [rbp+32]
  mov r8, [rbp+40]
  mov r9, [rbp+48]
  syscall
  add rbp, 64
  dec r13
  jmp after
unmap:
  test r14, r14
  jz cure
  mov eax, 11                   # munmap; an errno of mmap's isn't a page's address and does nothing (EINVAL)
  mov rdi, r15
  mov rsi, r14
  syscall
cure:
  mov eax, 14                   # rt_sigprocmask(SIG_SETMASK, the thread's own)
  mov edi, 2
  lea rsi, [rip+mask]
  xor edx, edx
  mov r10d, 8
  syscall
  mov rax, [rip+r_flags]        # popf would need a stack: DF by std, OF by an add, the others by sahf; TF, AC and ID stay as they are
  cld
  test eax, 0x400
  jz 1f
  std
1:
  mov ecx, eax
  shr ecx, 11
  and ecx, 1
  mov ah, al
  add cl, 0x7f
  sahf
  mov r15, [rip+r_r15]
  mov r14, [rip+r_r14]
  mov r13, [rip+r_r13]
  mov r12, [rip+r_r12]
  mov rbp, [rip+r_rbp]
  mov rbx, [rip+r_rbx]
  mov r11, [rip+r_r11]
  mov r10, [rip+r_r10]
  mov r9, [rip+r_r9]
  mov r8, [rip+r_r8]
  mov rcx, [rip+r_rcx]
  mov rdx, [rip+r_rdx]
  mov rsi, [rip+r_rsi]
  mov rdi, [rip+r_rdi]
  mov rsp, [rip+r_rsp]
  mov rax, [rip+r_rax]
  jmp [rip+r_rip]

.balign 16
slots:
pid: .long 0
tid: .long 0
sig: .long 0
     .long 0
own_mask: .quad 0
mask: .quad 0
# struct user_regs_struct up to rsp
r_r15: .quad 0
r_r14: .quad 0
r_r13: .quad 0
r_r12: .quad 0
r_rbp: .quad 0
r_rbx: .quad 0
r_r11: .quad 0
r_r10: .quad 0
r_r9: .quad 0
r_r8: .quad 0
r_rax: .quad 0
r_rcx: .quad 0
r_rdx: .quad 0
r_rsi: .quad 0
r_rdi: .quad 0
r_orig_rax: .quad 0
r_rip: .quad 0
r_cs: .quad 0
r_flags: .quad 0
r_rsp: .quad 0
